/** Single keys from a private server on restored data into a running one: DUMP and RESTORE, by which a value is what it was, with what is left of its TTL. */
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { NOTHING, type KeysNote } from './keys-moved.ts';
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
  /** Awaited before the first page, and behind each. */
  readonly onMoved?: ((note: KeysNote) => Promise<void>) | undefined;
  readonly work: Work;
}

export interface Moved {
  readonly keys: number;
  /** Of the values, as they were dumped. */
  readonly bytes: number;
  /** Keys whose TTL has ended since. */
  readonly lapsed: number;
}

/** @throws BackupError `refused` with how many are there already, at the first that the server does not take. */
export async function moveKeys(moving: MoveKeys): Promise<Moved> {
  const { from, to, keys, replace, earlier, onMoved, work } = moving;
  let { keys: restored, bytes, lapsed } = earlier ?? NOTHING;
  await onMoved?.(earlier ?? NOTHING);
  // The attempt before may have sent its next page, of which nothing was noted, and none other.
  let mayBeThere = earlier !== undefined;
  for (const page of pagesOf(keys, VALUES)) {
    work.signal.throwIfAborted();
    const answers = await from.ask(page.flatMap((key) => [['PTTL', key] as const, ['DUMP', key] as const]));
    const values = page.map((key, index) => ({ key, left: answers[2 * index], value: answers[2 * index + 1] }));
    const there = values.flatMap(({ key, left, value }) =>
      Buffer.isBuffer(value) && typeof left === 'number' ? [{ key, ttl: String(Math.max(0, left)), value }] : [],
    );
    const flags = replace ? ['REPLACE'] : [];
    const taken = await to.ask(there.map(({ key, ttl, value }) => ['RESTORE', key, ttl, value, ...flags]));
    for (const [index, { key, value }] of there.entries()) {
      const answer = taken[index];
      const isThere = mayBeThere && isError(answer) && answer.error.startsWith('BUSYKEY');
      if (isError(answer) && !isThere) throw notTaken(key, answer.error, restored);
      restored += 1;
      bytes += value.length;
    }
    lapsed += page.length - there.length;
    mayBeThere = false;
    work.progress({ phase: 'restoring keys', bytes, total: null, activity: restored });
    await onMoved?.({ moved: page.at(-1)?.toString('base64') ?? null, keys: restored, bytes, lapsed });
  }
  return { keys: restored, bytes, lapsed };
}

/** A key in words: what is no text as redis-cli shows it. */
export function showKey(key: Buffer): string {
  return key
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
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
