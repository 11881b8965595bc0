/** PostgreSQL's client programs against a connection: on this machine, or inside the container of the server. */
import path from 'node:path';
import { inside } from '../../containers/inside.ts';
import { runProgram } from '../../streams/run.ts';
import type { Program } from '../../streams/types.ts';
import { requireBinaries, versionIn, type Binaries } from './binaries.ts';
import { libpqEnvironment, type Connection } from './connection.ts';

/** The programs of one version. */
export interface Client extends Binaries {
  /** They are in the server's container, and found there by their names; `folder` is empty. */
  readonly inside: boolean;
}

export interface ClientWanted {
  readonly program: string;
  readonly major: number;
  /** The config's `binaries`: a folder on this machine. */
  readonly hint?: string | undefined;
  /** It writes no files of this machine, so it can run where the server is. */
  readonly streams: boolean;
}

/**
 * Those in the server's container where they are enough, else those of this machine.
 * @throws BackupError `missing-program` when this machine lacks them.
 */
export async function requireClient(
  connection: Connection,
  wanted: ClientWanted,
  signal: AbortSignal,
): Promise<Client> {
  return (await clientInside(connection, wanted, signal)) ?? { ...(await requireHere(wanted)), inside: false };
}

function requireHere({ major, program, hint }: ClientWanted): Promise<Binaries> {
  return requireBinaries(major, { program, hint, newer: true });
}

/** The programs in the server's container; undefined where there is no container, or not these in it. */
export async function clientInside(
  { reached }: Connection,
  { program, major, streams }: ClientWanted,
  signal: AbortSignal,
): Promise<Client | undefined> {
  if (!reached || !streams) return undefined;
  // 126 and 127: the container has no such program.
  const asked = inside(reached.container, { command: program, args: ['--version'], accept: [126, 127] });
  const { stdout, code } = await runProgram(asked, { signal });
  const found = code === 0 ? versionIn(stdout) : undefined;
  return found && found.major >= major ? { folder: '', inside: true, ...found } : undefined;
}

export interface ClientCall {
  readonly client: Client;
  readonly connection: Connection;
  readonly program: string;
  readonly args: readonly string[];
  /** Shown in pg_stat_activity. */
  readonly application: string;
  readonly onStderr?: (line: string) => void;
  /** Whether it reads its stdin. */
  readonly input?: boolean;
}

/** One call of a program, with the connection in its environment. What runs inside must be reaped: see `reaping`. */
export function clientProgram(call: ClientCall): Program {
  const { client, connection, program, args, application, onStderr, input = false } = call;
  const { reached } = connection;
  const rest = { args, cwd: '/', ...(onStderr && { onStderr }) };
  if (!client.inside || !reached) {
    const env = libpqEnvironment(connection, application);
    return { ...rest, command: path.join(client.folder, program), env };
  }
  const env = libpqEnvironment({ ...connection, host: reached.host }, application);
  return inside(reached.container, { ...rest, command: program, env }, { owner: reached.owner, input });
}
