/** What ssh, rsync and the programs of the other side say, as errors that tell what to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import { MOVED } from './moved.ts';
import { CONNECTION, THERE, type Meaning } from './meanings.ts';
import type { Link } from './link.ts';
import type { Server } from './server.ts';

/** Why no connection was made, from what ssh said. */
export function connectionError(server: Server, said: string): BackupError {
  const meaning = CONNECTION.find(({ says }) => says.test(said)) ?? {
    code: 'unreachable' as const,
    means: 'there is no connection',
    remedy: 'See that the server runs and can be reached from here; the step is tried again.',
  };
  return error(server, meaning, 'connecting', lastLine(said));
}

/**
 * What a program that ran there, or rsync here, failed with. Other errors come back as they are.
 * @param doing what was being done, as in `listing`.
 */
export async function sessionError(link: Link, doing: string, thrown: unknown): Promise<unknown> {
  if (!(thrown instanceof BackupError) || !['program-failed', 'no-space'].includes(thrown.code)) return thrown;
  const { server } = link;
  const { code, signal } = thrown.facts;
  if (code === MOVED) return thrown;
  const said = String(thrown.facts['stderr'] ?? '');
  if (MAY_BE_BROKEN.has(code)) await Promise.race([link.ended, sleep(SOON)]);
  // Where the connection broke, what each session says of it is only a consequence.
  if (!link.alive()) return error(server, BROKEN, doing, lastLine(link.said()) || lastLine(said));
  const words = withoutNames(said);
  const meaning = THERE.find(({ says }) => says.test(words)) ?? ofExit(code);
  if (meaning) return error(server, meaning, doing, telling(said));
  if (typeof code !== 'number' && typeof signal !== 'string') {
    return error(server, { ...BROKEN, means: 'there was no answer in time' }, doing, telling(said));
  }
  const how = typeof code === 'number' ? `exit code ${code}` : `signal ${String(signal)}`;
  return error(server, { ...FAILED, means: `it failed with ${how}` }, doing, telling(said));
}

/** What is said, without the names that stand in quotes: a folder may be called as errors are. */
export function withoutNames(said: string): string {
  return said.replaceAll(/"[^"\n]*"|(?<=^|[\s:(])'[^'\n]*'/gm, '');
}

/** An error with the words that all of this destination have. */
export function error(
  { name, host, root }: Server,
  { code, means, remedy, retryable }: Omit<Meaning, 'says'>,
  doing: string,
  said: string,
): BackupError {
  const quote = said === '' ? '' : ` (${said})`;
  return new BackupError(code, `${doing} at ${name} failed: ${means}${quote}.`, {
    remedy: remedy
      .replaceAll('HOST', host)
      .replaceAll('NAME', name)
      .replaceAll('ROOT', root === '' ? '.' : root),
    facts: { destination: name, host, said },
    ...(retryable !== undefined && { retryable }),
  });
}

/** Exit codes of a session whose connection broke, as they may come some milliseconds before the connection's own end. */
const MAY_BE_BROKEN: ReadonlySet<unknown> = new Set([10, 12, 30, 35, 255]);
const SOON = 500;

const BROKEN = {
  code: 'unreachable',
  means: 'the connection broke',
  remedy: 'See that HOST runs and the link holds; what was sent is kept there, and the step goes on from it.',
} as const satisfies Omit<Meaning, 'says'>;

const MUTE = {
  code: 'failed',
  means: 'the other side ended without an answer',
  remedy:
    'See what authorized_keys on HOST allows this key (docs/rsync.md), and that rsync runs there: rsync --version',
} as const satisfies Omit<Meaning, 'says'>;

const FAILED = {
  code: 'failed',
  means: '',
  remedy: 'Look at what it says, and at the logs of HOST; the step is tried again.',
} as const satisfies Omit<Meaning, 'says'>;

/** rsync(1), EXIT VALUES: what says nothing by words. 255 is ssh's own. */
function ofExit(code: unknown): Omit<Meaning, 'says'> | undefined {
  if (code === 127)
    return {
      ...FAILED,
      code: 'missing-program',
      means: 'a program is not there',
      remedy: 'Install rsync on HOST: apt-get install rsync',
    };
  if (code === 2 || code === 4)
    return {
      ...FAILED,
      means: 'the two rsync do not understand each other',
      remedy: 'Install a newer rsync on HOST: 3.2.4 at least, or give the key a shell there.',
    };
  if (code === 12) return MUTE;
  if (MAY_BE_BROKEN.has(code)) return BROKEN;
  return undefined;
}

/** The first line that says a cause: those after it only say that it failed. */
function telling(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const cause = lines.find(
    (line) => /^rsync: (?!connection unexpectedly)|error:|: /.test(line) && !line.startsWith('rsync error:'),
  );
  return shortened(cause ?? lines.at(-1) ?? '');
}

function lastLine(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^@+$/.test(line));
  return shortened(lines.at(-1) ?? '');
}

function shortened(line: string): string {
  return line.replace(/\.$/, '').slice(0, 300);
}

/** An error of this destination by its code, where no program has said anything. */
export function ownError(server: Server, code: ErrorCode, doing: string, means: string, remedy: string): BackupError {
  return error(server, { code, means, remedy }, doing, '');
}
