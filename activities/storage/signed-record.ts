/** Small signed records beside the evidence: marks, and records of deletions. */
import type { TrustedKey } from '../keys/signing.ts';
import type { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { canonical } from '../../model/manifest.ts';
import type { Signature } from '../../model/manifest.ts';
import { verifySignature } from '../keys/signing.ts';
import type { Signer } from '../keys/signing.ts';
import { parseRecord } from './record.ts';
import type { Store, WritableStore } from './types.ts';

/** Signs a record and stores it under its key. The same that is there already is left; another is a `conflict`. */
export async function putSigned(store: WritableStore, key: string, unsigned: object, signer: Signer): Promise<void> {
  const record = { ...unsigned, signature: signer.sign(canonical(unsigned)) };
  await store.putSmall(key, Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`, 'utf8'), { replace: false });
}

/** A record; undefined where there is none, or where it is damaged or not signed by a trusted key: then it is nobody's word. */
export async function readSigned<Value extends { readonly signature: Signature; readonly time: string }>(
  store: Store,
  key: string,
  schema: z.ZodType<Value>,
  trusted: readonly TrustedKey[],
): Promise<Value | undefined> {
  const bytes = await store.readSmall(key);
  if (bytes === undefined) return undefined;
  try {
    const record = parseRecord(bytes, schema, 'record');
    const { signature, ...unsigned } = record;
    return verifySignature(canonical(unsigned), signature, trusted, record.time) === 'good' ? record : undefined;
  } catch (error) {
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}
