/** Recovery points as a place holds them. */
import { recoveryPointKey } from '../../model/paths.ts';
import { recoveryPoint, type RecoveryPoint } from '../../model/recovery-point.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { readCounted, type Counted, type ReadCounted } from './counted.ts';
import type { Store } from './types.ts';

export type ReadPoints = ReadCounted<RecoveryPoint>;

export const RECOVERY_POINTS: Counted<RecoveryPoint> = {
  folder: 'recovery-points',
  what: 'recovery point',
  schema: recoveryPoint,
  keyOf: ({ id }) => recoveryPointKey(id),
};

/** Those that a trusted key signed; the others are problems. */
export function readRecoveryPoints(store: Store, trusted: readonly TrustedKey[]): Promise<ReadPoints> {
  return readCounted(store, RECOVERY_POINTS, trusted);
}
