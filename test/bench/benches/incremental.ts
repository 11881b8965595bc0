/** An incremental after a small change, beside a full: PostgreSQL 18, and MariaDB. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run as runSql } from '../../../activities/sources/mariadb/session.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { formatBytes } from '../../../model/units.ts';
import { psql, RUNNING, startCluster } from '../data/database.ts';
import { PASSWORD, startMariadb } from '../data/mariadb.ts';
import { measure } from '../measure.ts';
import { ours, type OursOptions } from '../peers/ours.ts';
import { HAS_ALL } from '../peers/postgres.ts';
import type { Result } from '../result.ts';
import { shell } from '../shell.ts';
import { resultOf } from './result-of.ts';
import { warm, WARM_NOTE } from './settle.ts';
import type { Bench, Surroundings } from './types.ts';

/** Rows in the same place, one in so many; a page that lies elsewhere would cost more. */
const ONE_IN = 100;
/** More than are made here: none of them falls due as a full. */
const INCREMENTALS = 60;

export const incrementalPostgres: Bench = {
  name: 'incremental-postgres',
  async run(surroundings) {
    const { data, work, signal } = surroundings;
    const made = await data.postgres18();
    const { binaries } = made;
    const folder = await copyOf(made.folder, path.join(work, 'postgres'), signal);
    const server = await startCluster({ folder, binaries, signal }, { ...RUNNING, summarize_wal: 'on' });
    try {
      const change = `UPDATE documents SET title = title || '.' WHERE id <= (SELECT max(id) FROM documents) / ${ONE_IN}`;
      const connection = { host: server.socket, port: server.port };
      return await measureIncremental(surroundings, {
        name: 'incremental-postgres',
        title: `PostgreSQL ${binaries.version}, ${formatBytes(made.bytes)}, one in ${ONE_IN} documents changed`,
        source: { type: 'postgres', connection, incrementals: INCREMENTALS },
        folder: path.join(folder, 'data'),
        change: () => psql(binaries, server, ['-d', 'shop', '-c', change, '-c', 'CHECKPOINT'], signal),
        artifact: 'base.tar',
        check: HAS_ALL,
      });
    } finally {
      await server.stop();
    }
  },
};

export const incrementalMariadb: Bench = {
  name: 'incremental-mariadb',
  async run(surroundings) {
    const { data, work, signal } = surroundings;
    const made = await data.mariadb();
    const folder = await copyOf(made.folder, path.join(work, 'mariadb'), signal);
    const password = path.join(work, 'mariadb.password');
    await writeFile(password, `${PASSWORD}\n`, { mode: 0o600 });
    const server = await startMariadb({ folder, signal });
    const { connection } = server;
    try {
      const change = `UPDATE shop.documents SET title = CONCAT(LEFT(title, 32), UUID()) WHERE id <= (SELECT MAX(id) FROM shop.documents) / ${ONE_IN}`;
      return await measureIncremental(surroundings, {
        name: 'incremental-mariadb',
        title: `MariaDB, ${formatBytes(made.bytes)}, one in ${ONE_IN} documents changed`,
        source: {
          type: 'mariadb',
          connection: { socket: connection.socket ?? '', password: { file: password } },
          incrementals: INCREMENTALS,
        },
        folder: path.join(folder, 'data'),
        change: () => runSql(connection, change, { signal }),
        artifact: 'base.xbstream',
        check: 'mbstream -x -C "$(mktemp -d -p "$WORK")" && test -n "$(find "$WORK" -name "documents.*")"',
      });
    } finally {
      await server.stop();
    }
  },
};

interface IncrementalJob {
  readonly name: string;
  readonly title: string;
  readonly source: SiteInput['sources'][string];
  /** The server's data folder. */
  readonly folder: string;
  readonly change: () => Promise<unknown>;
  readonly artifact: NonNullable<OursOptions['artifact']>;
  readonly check: string;
}

async function measureIncremental(
  { work, rounds, signal, say }: Surroundings,
  { name, title, source, folder, change, artifact, check }: IncrementalJob,
): Promise<readonly Result[]> {
  const options = { source, folder: path.join(work, 'runs'), env: {}, artifact, check, signal };
  const warmUp = warm(folder, signal);
  const series = await measure({
    contenders: [ours({ ...options, lasting: true }), ours({ ...options, name: 'a full' })],
    goals: {},
    rounds,
    settle: async () => {
      await change();
      await warmUp();
    },
    say,
    signal,
  });
  const notes = [WARM_NOTE, 'Before each run the same rows are changed, and a backup was taken before that.'];
  return [resultOf(series, { name, title: `${title}: an incremental beside a full`, unit: 's', notes })];
}

/** What is changed is a copy: the next bench finds the data as they were made. */
async function copyOf(from: string, to: string, signal: AbortSignal): Promise<string> {
  await mkdir(to, { mode: 0o755 });
  await shell('cp --archive --reflink=auto "$FROM/data" "$TO/"', { env: { FROM: from, TO: to }, signal });
  return to;
}
