/** A PostgreSQL server that is stopped and started by commands, as an operator's is: for restores in place. */
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { userInfo } from 'node:os';
import { serverUser } from '../../activities/sources/postgres/server-user.ts';
import { runProgram } from '../../activities/streams/run.ts';
import type { InPlaceConfig } from '../../model/config/in-place.ts';
import { startPostgres, type PostgresOptions, type TestPostgres } from './postgres.ts';

export interface ManagedPostgres extends TestPostgres {
  /** What a config says of it, with `inPlace`. */
  readonly inPlace: Pick<InPlaceConfig, 'data' | 'stop' | 'start'> & {
    readonly stopWithin: string;
    readonly settle: string;
  };
  /** Ends it if it runs, whatever its data folder is. */
  end(): Promise<void>;
}

/** Its settings are in its data folder, as initdb leaves them there, but for those that are given. */
export async function startManaged(options: PostgresOptions): Promise<ManagedPostgres> {
  const server = await startPostgres({ ...options, settings: { synchronous_commit: 'on', ...options.settings } });
  await server.stop();
  const settings = {
    unix_socket_directories: server.socket,
    port: String(server.port),
    listen_addresses: '',
    shared_buffers: '32MB',
    max_slot_wal_keep_size: '1GB',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await appendFile(path.join(server.data, 'postgresql.conf'), lines.join(''));
  const control = [...(await asServerUser()), path.join(server.binaries.folder, 'pg_ctl'), '-D', server.data, '-w'];
  const inPlace = {
    data: server.data,
    stop: [...control, '-m', 'fast', 'stop'],
    start: [...control, '-l', path.join(options.folder, 'run', 'managed.log'), 'start'],
    stopWithin: '120s',
    settle: '120s',
  };
  const run = ([command = '', ...args]: readonly string[]) => runProgram({ command, args, cwd: '/' });
  // A server that pg_ctl starts keeps its output open: through a shell it goes nowhere.
  const quietly = (command: readonly string[]) => run(['sh', '-c', '"$@" >/dev/null 2>&1', 'sh', ...command]);
  await quietly(inPlace.start);
  return {
    ...server,
    inPlace,
    start: async () => void (await quietly(inPlace.start)),
    stop: async (how = 'fast') => void (await quietly([...control, '-m', how, 'stop'])),
    config: (how, more) => ({ ...server.config(how, more), inPlace }),
    async end() {
      if (await isRunning(server.data)) await quietly([...control, '-m', 'immediate', 'stop']);
    },
  };
}

async function isRunning(data: string): Promise<boolean> {
  const pid = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (pid === undefined) return false;
  try {
    process.kill(Number(pid.split('\n')[0]), 0);
    return true;
  } catch {
    // A file that a crash left.
    return false;
  }
}

async function asServerUser(): Promise<readonly string[]> {
  const user = await serverUser();
  if (!user || user.uid === userInfo().uid) return [];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'];
}
