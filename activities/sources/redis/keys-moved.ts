/** How far a restore of single keys has come, for an attempt that goes on after one that was cut off. Keys are sorted. */
import { z } from 'zod';
import { earlierNote } from '../earlier.ts';

const schema = z.strictObject({
  /** The last key that was sent and taken, or had lapsed, in base64; null before the first. */
  moved: z.base64().nullable(),
  keys: z.number(),
  bytes: z.number(),
  lapsed: z.number(),
});
/** What is noted before the first page of keys, and behind each. */
export type KeysNote = z.infer<typeof schema>;

export const NOTHING: KeysNote = { moved: null, keys: 0, bytes: 0, lapsed: 0 };

/** What the attempt before had noted last, where there was one. @throws BackupError `conflict`. */
export function keysNote(earlier: unknown): KeysNote | undefined {
  return earlierNote(schema, earlier);
}

/** The keys behind the noted one. */
export function restOf(keys: readonly Buffer[], { moved }: KeysNote): readonly Buffer[] {
  if (moved === null) return keys;
  const last = Buffer.from(moved, 'base64');
  return keys.filter((key) => Buffer.compare(key, last) > 0);
}
