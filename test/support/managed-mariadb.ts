/** A MariaDB server that is stopped and started by commands, as an operator's is: for restores in place. */
import { chmod, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { serverUser } from '../../activities/sources/mariadb/server-user.ts';
import { run } from '../../activities/sources/mariadb/session.ts';
import { runProgram } from '../../activities/streams/run.ts';
import { locate } from '../../activities/streams/locate.ts';
import { startMariadb, type MariadbInput, type TestMariadb } from './mariadb.ts';

export interface ManagedMariadb extends Pick<TestMariadb, 'data' | 'sql'> {
  readonly socket: string;
  readonly inPlace: NonNullable<MariadbInput['inPlace']>;
  /** What a config says of it, with `inPlace`. */
  config(options?: Partial<MariadbInput>): MariadbInput;
  /** What somebody commits at the very end, once, when it is told to stop. */
  lastWords(sql: string): Promise<void>;
  /** Ends it and starts it. */
  restart(): Promise<void>;
  /** Ends it if it runs. */
  end(): Promise<void>;
}

const SETTINGS = [
  '--no-defaults',
  '--skip-networking',
  '--server-id=1',
  '--binlog-format=ROW',
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--gtid-strict-mode=ON',
  '--innodb-flush-method=nosync',
  '--innodb-log-file-size=16M',
  '--performance-schema=OFF',
];

/** @param binlogs its log-bin; in the data folder by default. */
export async function startManaged(folder: string, binlogs = 'mysql-bin'): Promise<ManagedMariadb> {
  const server = await startMariadb({ folder });
  await server.stop();
  // What it has logged until now is nobody's business.
  await runProgram({ command: 'sh', args: ['-c', `rm -f ${server.data}/mysql-bin.*`] });
  const socket = path.join(folder, 'run', 'managed.sock');
  const places = [`--datadir=${server.data}`, `--socket=${socket}`, `--pid-file=${folder}/run/managed.pid`];
  const user = await serverUser();
  const as =
    user && user.uid !== userInfo().uid ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  const command = [
    'setsid',
    'setpriv',
    ...as,
    '--',
    locate('mariadbd'),
    ...SETTINGS,
    `--log-bin=${binlogs}`,
    ...places,
  ];
  const start = path.join(folder, 'start.sh');
  const stop = path.join(folder, 'stop.sh');
  const ping = `mariadb-admin --no-defaults --socket=${socket} ping >/dev/null 2>&1`;
  const lines = [
    '#!/bin/sh',
    `${command.join(' ')} >>${folder}/run/managed.log 2>&1 &`,
    'for i in $(seq 300); do',
    `  if ${ping}; then exit 0; fi; kill -0 $! || exit 1; sleep 0.1`,
    'done',
    'exit 1',
  ];
  await writeFile(start, `${lines.join('\n')}\n`);
  const last = path.join(folder, 'last-words.sql');
  const ending = [
    '#!/bin/sh',
    'set -e',
    `if test -e ${last}; then mariadb --no-defaults --socket=${socket} <${last}; rm ${last}; fi`,
    `exec mariadb-admin --no-defaults --socket=${socket} shutdown`,
  ];
  await writeFile(stop, `${ending.join('\n')}\n`);
  for (const file of [start, stop]) await chmod(file, 0o755);
  const call = (file: string) => runProgram({ command: 'sh', args: ['-c', `${file} >/dev/null 2>&1`], cwd: '/' });
  const connection = {
    socket,
    host: 'localhost',
    port: 0,
    user: userInfo().username,
    password: undefined,
    ca: undefined,
  };
  const sql = (text: string) => run(connection, text, { signal: new AbortController().signal });
  const inPlace = { data: server.data, stop: [stop], start: [start], stopWithin: '120s', settle: '120s' };
  await call(start);
  async function end(): Promise<void> {
    const running = await sql('SELECT 1').then(
      () => true,
      () => false,
    );
    if (!running) return;
    await call(stop);
    const gone = `while test -e ${folder}/run/managed.pid; do sleep 0.1; done`;
    await runProgram({ command: 'sh', args: ['-c', gone] });
  }
  return {
    data: server.data,
    socket,
    inPlace,
    sql,
    lastWords: (text) => writeFile(last, text),
    config: (options) => ({
      ...server.config({ connection: { socket, password: { file: server.passwords.backup } } }),
      inPlace,
      ...options,
    }),
    end,
    async restart() {
      await end();
      await call(start);
    },
  };
}
