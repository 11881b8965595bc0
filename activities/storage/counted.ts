/** Signed records of a folder at a place: those that count, and why the others do not. */
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { canonical, type Signature } from '../../model/manifest.ts';
import { verifySignature, type TrustedKey } from '../keys/signing.ts';
import { parseRecord } from './record.ts';
import type { Store } from './types.ts';

type Signed = Readonly<Record<string, unknown>> & { readonly signature: Signature; readonly created: string };

/** One kind of record. */
export interface Counted<Value extends Signed> {
  readonly folder: string;
  /** As messages name it. */
  readonly what: string;
  readonly schema: z.ZodType<Value>;
  /** Where it belongs: a good one that lies under the name of another is a replay. */
  readonly keyOf: (record: Value) => string;
}

export interface ReadCounted<Value> {
  readonly read: readonly Value[];
  /** Why each of the others counts for nothing, with its key. */
  readonly problems: readonly string[];
}

/** All records of a kind at a place. @throws BackupError where the place cannot be read. */
export async function readCounted<Value extends Signed>(
  store: Store,
  kind: Counted<Value>,
  trusted: readonly TrustedKey[],
): Promise<ReadCounted<Value>> {
  const keys: string[] = [];
  for await (const { key } of store.list(kind.folder)) keys.push(key);
  const found = await Promise.all(
    keys.map(async (key) => {
      const bytes = await store.readSmall(key);
      // Replaced or removed since it was listed.
      return bytes && newestThatCounts(store, { key, bytes }, kind, trusted);
    }),
  );
  return {
    read: found.flatMap((one) => (one !== undefined && 'record' in one ? [one.record] : [])),
    problems: found.flatMap((one) => (one !== undefined && 'problem' in one ? [one.problem] : [])),
  };
}

/** Where a place keeps what was there before, whoever may write can have put anything above ours. */
async function newestThatCounts<Value extends Signed>(
  store: Store,
  { key, bytes }: { readonly key: string; readonly bytes: Uint8Array },
  kind: Counted<Value>,
  trusted: readonly TrustedKey[],
): Promise<ReturnType<typeof counted<Value>>> {
  const now = counted(bytes, key, kind, trusted);
  if ('record' in now || store.earlier === undefined) return now;
  for await (const before of store.earlier(key)) {
    const found = counted(before, key, kind, trusted);
    if ('record' in found) return found;
  }
  return now;
}

/** One of them, of the bytes that lie under a key. */
export function counted<Value extends Signed>(
  bytes: Uint8Array,
  key: string,
  { what, schema, keyOf }: Pick<Counted<Value>, 'what' | 'schema' | 'keyOf'>,
  trusted: readonly TrustedKey[],
): { readonly record: Value } | { readonly problem: string } {
  try {
    const record = parseRecord(bytes, schema, what);
    const { signature, ...unsigned } = record;
    const verdict = verifySignature(canonical(unsigned), signature, trusted, record.created);
    if (verdict !== 'good') return { problem: `${key} counts for nothing: ${SAID[verdict]}` };
    if (keyOf(record) !== key)
      return { problem: `${key} counts for nothing: it is ${keyOf(record)}, under the name of another` };
    return { record };
  } catch (error) {
    if (error instanceof BackupError && error.code === 'verification-failed')
      return { problem: `${key} counts for nothing: ${error.message}` };
    throw error;
  }
}

const SAID = {
  bad: 'it was changed after it was signed',
  foreign: 'its signer is not trusted here',
  revoked: 'the key of its signer was revoked',
} as const;
