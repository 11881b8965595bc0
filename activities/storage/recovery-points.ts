/** Recovery points as a place holds them. */
import { verifySignature, type TrustedKey } from '../keys/signing.ts';
import { parseRecord } from './record.ts';
import type { Store } from './types.ts';
import { BackupError } from '../../model/errors.ts';
import { canonical } from '../../model/manifest.ts';
import { recoveryPoint, type RecoveryPoint } from '../../model/recovery-point.ts';

export interface ReadPoints {
  readonly read: readonly RecoveryPoint[];
  readonly problems: readonly string[];
}

/** Those that a trusted key signed; the others are problems. */
export async function readRecoveryPoints(store: Store, trusted: readonly TrustedKey[]): Promise<ReadPoints> {
  const keys: string[] = [];
  for await (const { key } of store.list('recovery-points')) keys.push(key);
  const points = await Promise.all(keys.map((key) => readPoint(store, key, trusted)));
  return {
    read: points.filter((point) => typeof point === 'object'),
    problems: points.filter((point) => typeof point === 'string'),
  };
}

async function readPoint(
  store: Store,
  key: string,
  trusted: readonly TrustedKey[],
): Promise<RecoveryPoint | string | undefined> {
  const bytes = await store.readSmall(key);
  // Replaced or removed since it was listed.
  if (bytes === undefined) return undefined;
  try {
    const point = parseRecord(bytes, recoveryPoint, 'recovery point');
    const { signature, ...unsigned } = point;
    const verdict = verifySignature(canonical(unsigned), signature, trusted, unsigned.created);
    if (verdict === 'good') return point;
    return `${key} counts for nothing: ${SAID[verdict]}`;
  } catch (error) {
    if (error instanceof BackupError) return `${key} counts for nothing: ${error.message}`;
    throw error;
  }
}

const SAID = {
  bad: 'it was changed after it was signed',
  foreign: 'its signer is not trusted here',
  revoked: 'the key of its signer was revoked',
} as const;
