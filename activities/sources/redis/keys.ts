/** Single keys from a private server on restored data into a running one: DUMP and RESTORE, by which a value is what it was, with what is left of its TTL. */
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { changedSince, digestOf, NOTHING, sendingOf, type KeysNote } from './keys-moved.ts';
import { isError, type Answer, type Talk } from './talk.ts';

/** Keys that are asked for together: of names, and of values, which are in memory meanwhile. */
const NAMES = 500;
export const VALUES = 32;

/** The keys of a pattern of SCAN, sorted. */
export async function keysOf(from: Talk, pattern: string, work: Work): Promise<readonly Buffer[]> {
  const found = new Map<string, Buffer>();
  let cursor = '0';
  do {
    work.signal.throwIfAborted();
    const [answer] = await from.ask([['SCAN', cursor, 'MATCH', pattern, 'COUNT', '1000']]);
    const [next, keys] = isList(answer) ? answer : [];
    if (!Buffer.isBuffer(next) || !isList(keys)) throw strange('SCAN', answer);
    // A key may come twice.
    for (const key of keys) if (Buffer.isBuffer(key)) found.set(key.toString('latin1'), key);
    cursor = next.toString();
  } while (cursor !== '0');
  return [...found.values()].toSorted((one, two) => Buffer.compare(one, two));
}

/** Those that a server has. */
export async function existing(at: Talk, keys: readonly Buffer[]): Promise<readonly Buffer[]> {
  const found: Buffer[] = [];
  for (const page of pagesOf(keys, NAMES)) {
    const answers = await at.ask(page.map((key) => ['EXISTS', key]));
    for (const [index, key] of page.entries()) {
      const answer = answers[index];
      if (isError(answer)) throw refused(key, answer.error);
      if (answer === 1) found.push(key);
    }
  }
  return found;
}

export interface MoveKeys {
  readonly from: Talk;
  readonly to: Talk;
  readonly keys: readonly Buffer[];
  readonly replace: boolean;
  /** How far an attempt before this one had come; `keys` are those behind that. */
  readonly earlier?: KeysNote | undefined;
  /** Awaited before each page, and behind the last. */
  readonly onMoved?: ((note: KeysNote) => Promise<void>) | undefined;
  readonly work: Work;
}

export interface Moved {
  readonly keys: number;
  /** Of the values, as they were dumped. */
  readonly bytes: number;
  /** Keys whose TTL has ended since. */
  readonly lapsed: number;
  /** Keys that an attempt before may have sent, and that are neither what they were before nor what is restored: left as they are. */
  readonly kept: number;
}

/** @throws BackupError `refused` with how many are there already, at the first that the server does not take. */
export async function moveKeys(moving: MoveKeys): Promise<Moved> {
  const { from, to, keys, replace, onMoved, work } = moving;
  const earlier = moving.earlier ?? NOTHING;
  let { moved, keys: restored, bytes, lapsed, kept } = earlier;
  // The attempt before may have sent its next page, of which nothing was noted, and none other.
  let doubtful = moving.earlier;
  for (const page of pagesOf(keys, VALUES)) {
    work.signal.throwIfAborted();
    const values = await valuesOf(from, page);
    const looks = replace && (onMoved !== undefined || doubtful !== undefined);
    const seen = looks ? await seenAt(to, values) : values.map((one) => ({ ...one, now: undefined, dump: null }));
    const sending = looks ? { sending: sendingOf(doubtful ?? NOTHING, seen) } : {};
    await onMoved?.({ moved, keys: restored, bytes, lapsed, kept, ...sending });
    const left = seen.filter(({ key, now }) => doubtful !== undefined && changedSince(doubtful, key, now));
    const sent = seen.filter((one) => !left.includes(one));
    const flags = replace ? ['REPLACE'] : [];
    const taken = await to
      .ask(sent.map(({ key, ttl, value }) => ['RESTORE', key, ttl, value, ...flags]))
      .catch((error: unknown) => {
        throw lost(error, restored, sent.length);
      });
    for (const [index, { key }] of sent.entries()) {
      const answer = taken[index];
      const isThere = doubtful !== undefined && isError(answer) && answer.error.startsWith('BUSYKEY');
      if (isError(answer) && !isThere) throw notTaken(key, answer.error, restored + index);
    }
    // Equal where the server stores them as the private one does: else it cannot be told who has written them.
    const changed = left.filter(({ value, dump }) => dump === null || !value.equals(dump));
    kept += changed.length;
    const put = seen.filter((one) => !changed.includes(one));
    restored += put.length;
    bytes += put.reduce((sum, { value }) => sum + value.length, 0);
    lapsed += page.length - values.length;
    moved = page.at(-1)?.toString('base64') ?? null;
    doubtful = undefined;
    work.progress({ phase: 'restoring keys', bytes, total: null, activity: restored });
  }
  await onMoved?.({ moved, keys: restored, bytes, lapsed, kept });
  return { keys: restored, bytes, lapsed, kept };
}

interface Value {
  readonly key: Buffer;
  /** Milliseconds; 0 is none. */
  readonly ttl: string;
  readonly value: Buffer;
}

/** Without those whose TTL has ended, also within this millisecond: of 0 a server makes none at all. */
async function valuesOf(from: Talk, page: readonly Buffer[]): Promise<readonly Value[]> {
  const answers = await from.ask(page.flatMap((key) => [['PTTL', key] as const, ['DUMP', key] as const]));
  return page.flatMap((key, index) => {
    const [left, value] = [answers[2 * index], answers[2 * index + 1]];
    if (!Buffer.isBuffer(value) || typeof left !== 'number' || left === 0) return [];
    return [{ key, ttl: String(Math.max(0, left)), value }];
  });
}

/** What the server has under these keys; it does not tell those who may not DUMP. */
async function seenAt(to: Talk, values: readonly Value[]) {
  const answers = await to.ask(values.map(({ key }) => ['DUMP', key]));
  return values.map((one, index) => {
    const dump = answers[index];
    return { ...one, now: digestOf(dump), dump: Buffer.isBuffer(dump) ? dump : null };
  });
}

/** A key in words: what is no text as redis-cli shows it. */
export function showKey(key: Buffer): string {
  return key
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @param sent of which nobody knows whether they have come there. */
function lost(error: unknown, before: number, sent: number): unknown {
  if (!(error instanceof BackupError) || error.code !== 'unreachable') return error;
  return new BackupError('unreachable', `${error.message}. ${before} keys are restored, and up to ${sent} more.`, {
    remedy: 'Once the server answers, give the same command again, with --replace for those that are there now.',
    facts: { ...error.facts, restored: before },
    cause: error,
  });
}

function notTaken(key: Buffer, error: string, before: number): BackupError {
  const isOlder = error.includes('DUMP payload version');
  return new BackupError(
    'refused',
    `the server does not take the key ${showKey(key)}: ${error}. ${before} keys before it are restored.`,
    {
      remedy: isOlder
        ? 'It is of an older version than the data: restore into one of the same or a newer version.'
        : 'Mend what it says, and give the same command again, with --replace for those that are there now.',
      facts: { key: showKey(key), restored: before },
    },
  );
}

function refused(key: Buffer, error: string): BackupError {
  return new BackupError('access-denied', `the server does not say whether it has ${showKey(key)}: ${error}`, {
    remedy: 'The user of --into needs EXISTS and RESTORE on these keys.',
  });
}

function strange(command: string, answer: Answer | undefined): BackupError {
  return new BackupError(
    'failed',
    `Redis, ${command}: ${isError(answer) ? answer.error : 'an answer of another form'}`,
  );
}

function isList(answer: Answer | undefined): answer is readonly Answer[] {
  return Array.isArray(answer);
}

function* pagesOf(keys: readonly Buffer[], size: number): Generator<readonly Buffer[]> {
  for (let at = 0; at < keys.length; at += size) yield keys.slice(at, at + size);
}
