/** Private starts on restored data, as the user's own server would start but for what reaches out. */
import type { RedisEntry } from '../../../model/inventory.ts';
import type { Work } from '../../work.ts';
import type { Position } from './position.ts';
import { describeEngine, installRemedy, type Engine, type Programs } from './programs.ts';
import { startServer, type PrivateServer } from './server.ts';

export interface IsolatedStart {
  readonly data: string;
  readonly programs: Pick<Programs, 'server' | 'sandbox'>;
  /** Of the backup in it: whether append-only files are loaded, and how they are called. */
  readonly position: Position;
  readonly inventory: readonly RedisEntry[];
  /** An empty folder for log and socket that the server's user can reach. */
  readonly runtime: string;
  /** Besides those that the backup asks for. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly work: Work;
}

/** Starts a server on restored data and waits until it has loaded them. @throws BackupError as `startServer`. */
export function startIsolated({
  data,
  programs,
  position,
  inventory,
  runtime,
  settings: more = {},
  work,
}: IsolatedStart): Promise<PrivateServer> {
  const { dbfilename, appenddirname, appendfilename } = position.names;
  const appendonly = position.appendonly ? 'yes' : 'no';
  const databases = String(databasesOf(inventory));
  const settings = { appendonly, dbfilename, appenddirname, appendfilename, databases, ...more };
  const { server: program, sandbox } = programs;
  return startServer({ data, program, sandbox, runtime, settings, offline: true, work });
}

/** Redis' own default. */
const DATABASES = 16;

/** As many as the source had: a server loads nothing where there is a database that it has not. */
function databasesOf(inventory: readonly RedisEntry[]): number {
  const counts = inventory.map((entry) => {
    if (entry.entry === 'database') return entry.index + 1;
    return entry.entry === 'setting' && entry.name === 'databases' ? Number(entry.value) : 0;
  });
  return Math.max(DATABASES, ...counts);
}

/** In words, where no programs were found for an engine. */
export function lackOfPrograms(engine: Engine): string {
  return `no server on this machine loads data of ${describeEngine(engine)}. ${installRemedy(engine)}`;
}
