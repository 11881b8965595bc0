/**
 * A place may go away in the middle of a step: a disk is unplugged, a mount drops, somebody moves the folder. What is not
 * found then, or fails, says nothing of what lies there, and what was deleted or written then was so somewhere else.
 * So whoever finds nothing, fails or writes looks whether the place is still there before it says so.
 */
import { BackupError } from '../../model/errors.ts';
import { errnoOf } from './fs-errors.ts';
import type { ListedObject } from './types.ts';

export interface Presence {
  /** As messages name it: `destination vault`. */
  readonly what: string;
  readonly root: string;
  /** @throws BackupError `unreachable` where the place is not there now. */
  readonly there: () => Promise<void>;
}

/** Does something that needs the place. @throws BackupError `unreachable` in place of whatever failed since the place is away. */
export async function whileThere<T>(there: Presence['there'], body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    // A step that was cancelled or taken over has not failed for its place, and one that says that it is away needs no second look.
    if (!isToldOfPlace(error)) await there();
    throw error;
  }
}

/**
 * Reads something, or finds that it is not there.
 * @param ask undefined where it finds nothing.
 * @throws BackupError `unreachable` where the place is away, in the middle of it too.
 */
export async function readThere<T>({ there }: Presence, ask: () => Promise<T | undefined>): Promise<T | undefined> {
  const found = await whileThere(there, ask);
  if (found !== undefined) return found;
  await there();
  // It is there now; it may have been away at the one moment that it was asked.
  const again = await whileThere(there, ask);
  if (again === undefined) await there();
  return again;
}

/** Opens something. @throws BackupError `not-found` only where the place is there without it. */
export async function openThere<T>({ there }: Presence, open: () => Promise<T>): Promise<T> {
  try {
    return await whileThere(there, open);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return whileThere(there, open);
  }
}

/** Lists a place: what is listed of one that went away meanwhile ends early, and must not be taken for all. */
export async function* listThere(
  { there }: Presence,
  list: () => AsyncIterable<ListedObject>,
): AsyncGenerator<ListedObject> {
  try {
    yield* list();
  } catch (error) {
    if (!isToldOfPlace(error)) await there();
    throw error;
  }
  await there();
}

/**
 * Writes or deletes something. It is done only where the place is there afterwards: else it was done in the bare folder that
 * a disk is mounted on, or not at all. Everything that writes here may be done twice.
 */
export async function writeThere<T>({ what, root, there }: Presence, body: () => Promise<T>): Promise<T> {
  try {
    const done = await whileThere(there, body);
    await there();
    return done;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || isNotFound(error)) throw wasAway(what, root, error);
    throw error;
  }
}

/** The place is there, and what was just written is not. */
function wasAway(what: string, root: string, cause: unknown): BackupError {
  return new BackupError(
    'unreachable',
    `The ${what} was away for a moment: what was just written to ${root} is gone.`,
    {
      remedy:
        'Look in `dmesg` whether its disk or its mount comes and goes, and who else deletes files there; the step is tried again.',
      facts: { path: root },
      cause,
    },
  );
}

const OF_NO_PLACE: ReadonlySet<string> = new Set(['unreachable', 'aborted', 'lease-lost', 'busy']);

function isNotFound(error: unknown): boolean {
  return error instanceof BackupError && error.code === 'not-found';
}

function isToldOfPlace(error: unknown): boolean {
  return error instanceof BackupError && OF_NO_PLACE.has(error.code);
}
