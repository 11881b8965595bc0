/** A MariaDB server of a test's own, with the accounts of infra/roles, stopped by the test. */
import { rmSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import type { Connection } from '../../activities/sources/mariadb/connection.ts';
import { createDataFolder, startServer, type PrivateServer } from '../../activities/sources/mariadb/server.ts';
import { run } from '../../activities/sources/mariadb/session.ts';
import { runProgram } from '../../activities/streams/run.ts';
import { mariadbSource, type MariadbSource } from '../../model/config/source.ts';

/** A MariaDB source as it stands in a config. */
export type MariadbInput = z.input<typeof mariadbSource>;

export interface MariadbOptions {
  /** An existing folder that others may pass; everything is made below it. */
  readonly folder: string;
  /** Arguments of the server, after all others. */
  readonly args?: readonly string[];
  /** Files of infra/roles besides those of the accounts for backups, checks and exports. */
  readonly roles?: readonly string[];
}

export interface TestMariadb {
  readonly data: string;
  /** Files with the passwords of the accounts. */
  readonly passwords: { readonly backup: string; readonly check: string; readonly export: string };
  /** What a config says of it. */
  config(options?: Partial<MariadbInput>): MariadbInput;
  /** The same, parsed. */
  source(options?: Partial<MariadbInput>): MariadbSource;
  /** Runs SQL as root; the lines that it prints, columns parted by tabs. */
  sql(text: string): Promise<readonly string[]>;
  /** As root. */
  connection(): Connection;
  start(args?: readonly string[]): Promise<void>;
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

const ROLES = new URL('../../infra/roles/', import.meta.url);

/** As preflight wants a server, and quick: data of a test outlive no crash of the machine. */
const SETTINGS = [
  '--log-bin=mysql-bin',
  '--server-id=1',
  '--binlog-format=ROW',
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--gtid-strict-mode=ON',
  '--event-scheduler=ON',
  '--innodb-flush-method=nosync',
  '--innodb-log-file-size=16M',
] as const;

/** Passwords of the accounts, with all that an option file could stumble over. */
const PASSWORDS = {
  backup: 'se"cret\\ of # backup',
  check: 'se"cret\\ of # check',
  export: 'se"cret\\ of # export',
} as const;

let template: Promise<string> | undefined;

/** A data folder with the accounts of infra/roles, made once in a process: each server begins as a copy of it. */
function dataTemplate(): Promise<string> {
  return (template ??= makeTemplate());
}

async function makeTemplate(): Promise<string> {
  const { signal } = new AbortController();
  const folder = await mkdtemp(path.join(tmpdir(), 'mosaic-mariadb-'));
  // No suite may remove it: others still begin from it.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const [data, runtime] = [path.join(folder, 'data'), path.join(folder, 'run')];
  for (const each of [data, runtime]) await mkdir(each, { mode: 0o700 });
  await createDataFolder({ data, signal, args: ['--innodb-log-file-size=16M', '--innodb-flush-method=nosync'] });
  const server = await startServer({ data, runtime, args: SETTINGS, signal });
  try {
    for (const file of ['mariadb.sql', 'mariadb-check.sql', 'mariadb-export.sql']) {
      await run(server.connection, await readFile(new URL(file, ROLES), 'utf8'), { signal });
    }
    for (const [account, password] of Object.entries(PASSWORDS)) {
      const text = `ALTER USER mosaic_${account}@localhost IDENTIFIED BY '${password.replaceAll('\\', '\\\\')}'`;
      await run(server.connection, text, { signal });
    }
  } finally {
    await server.stop();
  }
  return data;
}

/** Makes a server and starts it. */
export async function startMariadb({ folder, args = [], roles = [] }: MariadbOptions): Promise<TestMariadb> {
  const { signal } = new AbortController();
  const data = path.join(folder, 'data');
  const runtime = path.join(folder, 'run');
  const passwords = {
    backup: path.join(folder, 'backup.password'),
    check: path.join(folder, 'check.password'),
    export: path.join(folder, 'export.password'),
  };
  await mkdir(data, { mode: 0o700 });
  await mkdir(runtime, { mode: 0o700 });
  await runProgram({ command: 'cp', args: ['--archive', '--reflink=auto', '--', `${await dataTemplate()}/.`, data] });
  let server: PrivateServer | undefined;

  async function start(more: readonly string[] = []): Promise<void> {
    server = await startServer({ data, runtime, args: [...SETTINGS, ...args, ...more], signal });
  }
  function connection(): Connection {
    if (!server) throw new Error('the server was not started');
    return server.connection;
  }
  const sql = (text: string) => run(connection(), text, { signal });

  await start();
  for (const file of roles) await sql(await readFile(new URL(file, ROLES), 'utf8'));
  for (const account of ['backup', 'check', 'export'] as const) {
    await writeFile(passwords[account], `${PASSWORDS[account]}\n`, { mode: 0o600 });
  }
  function config(options: Partial<MariadbInput> = {}): MariadbInput {
    const { socket } = connection();
    return {
      type: 'mariadb',
      connection: { socket: socket ?? '', password: { file: passwords.backup } },
      ...options,
    };
  }
  return {
    data,
    passwords,
    config,
    source: (options) => mariadbSource.parse(config(options)),
    sql,
    connection,
    start,
    stop: async (how) => server?.stop(how),
  };
}
