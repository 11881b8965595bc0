/** How far a restore of single keys has come, for an attempt that goes on after one that was cut off. Keys are sorted. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { earlierNote } from '../earlier.ts';

const schema = z.strictObject({
  /** The last key that was sent and taken, or had lapsed, in base64; null before the first. */
  moved: z.base64().nullable(),
  keys: z.number(),
  bytes: z.number(),
  lapsed: z.number(),
  /** Keys that were sent by an attempt before and have another value since; see `changedSince`. */
  kept: z.number().default(0),
  /** Where keys that are there are replaced: those that are sent next, and what each was before. */
  sending: z.array(z.strictObject({ key: z.base64(), was: z.string().nullable() })).exactOptional(),
});
/** What is noted before each page of keys, and behind the last. */
export type KeysNote = z.infer<typeof schema>;

export const NOTHING: KeysNote = { moved: null, keys: 0, bytes: 0, lapsed: 0, kept: 0 };

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

/** What a value is known by again, as DUMP has it; null for none, undefined where the server does not tell. */
export function digestOf(value: unknown): string | null | undefined {
  if (value === null) return null;
  return Buffer.isBuffer(value) ? createHash('sha256').update(value).digest('base64') : undefined;
}

/**
 * Whether a key that may have been sent is no more what it was before that: then it was sent, or a client has written it,
 * and either way it is not sent once more over what is there.
 */
export function changedSince({ sending = [] }: KeysNote, key: Buffer, now: string | null | undefined): boolean {
  const sent = sending.find((one) => one.key === key.toString('base64'));
  return sent !== undefined && now !== undefined && sent.was !== now;
}

/** What is noted of keys that are sent now: of those that may have been sent before what they were before that. */
export function sendingOf(
  { sending = [] }: KeysNote,
  page: readonly { readonly key: Buffer; readonly now: string | null | undefined }[],
): NonNullable<KeysNote['sending']> {
  const before = new Map(sending.map(({ key, was }) => [key, was]));
  return page.flatMap(({ key, now }) => {
    const name = key.toString('base64');
    const was = before.has(name) ? before.get(name) : now;
    return was === undefined ? [] : [{ key: name, was }];
  });
}
