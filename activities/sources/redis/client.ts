/** Short commands to a server, by redis-cli. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import { client, describeServer, type Connection } from './connection.ts';
import { complaint } from './errors.ts';

export interface Asking {
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/** Milliseconds for an answer: a server that hangs in a script or on its disk is told as unreachable. */
const PATIENCE = 30_000;

/**
 * Runs one command and returns what it answers, as text.
 * @throws BackupError `unreachable`, `access-denied`, or `failed` for any other error that the server answers.
 */
export async function command({ connection, signal }: Asking, words: readonly string[]): Promise<string> {
  // -e: an error that the server answers is an exit code. Without it, it would be an answer like any other.
  const program = { ...client(connection, ['-e', ...words]), accept: [1] };
  const { stdout, stderr, code } = await runProgram(program, { signal, timeout: PATIENCE }).catch((error: unknown) => {
    throw late(error, connection);
  });
  // A refused login is only complained of: redis-cli goes on as the default user, whatever that may do.
  const refused = /AUTH failed/.test(stderr) || code !== 0 ? complaint(stderr, connection) : undefined;
  if (refused) throw refused;
  if (code === 0) return stdout;
  throw new BackupError('failed', `Redis at ${describeServer(connection)}, ${words[0] ?? ''}: ${lastLine(stderr)}`, {
    remedy: 'Look at the server log.',
    facts: { answer: lastLine(stderr) },
  });
}

const settings = z.record(z.string(), z.string());

/** Settings by name. Those that the server does not know are left out. */
export async function configGet(asking: Asking, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return settings.parse(JSON.parse(await command(asking, ['--json', 'CONFIG', 'GET', ...names])));
}

/** INFO as names and values. */
export async function info(asking: Asking): Promise<Readonly<Record<string, string>>> {
  const answers: Record<string, string> = {};
  for (const line of (await command(asking, ['INFO'])).split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at <= 0 || line.startsWith('#')) continue;
    // Modules come one a line, all under one name: theirs is made part of it.
    const module = /^module:name=([^,]*)/.exec(line)?.[1];
    answers[module === undefined ? line.slice(0, at) : `module:${module}`] = line.slice(at + 1);
  }
  return answers;
}

function late(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || error.facts['timeout'] === undefined) return error;
  return new BackupError('unreachable', `Redis at ${describeServer(connection)} has not answered for 30 s`, {
    remedy: 'Look whether a script, its disk or the network hangs; it is tried again.',
    cause: error,
  });
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
