/** Records of drills as a place holds them. */
import { drillRecord, type DrillRecord } from '../../model/drill/record.ts';
import { drillKey } from '../../model/paths.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { readCounted, type Counted, type ReadCounted } from './counted.ts';
import type { Store } from './types.ts';

export const DRILLS: Counted<DrillRecord> = {
  folder: 'drills',
  what: 'record of a drill',
  schema: drillRecord,
  keyOf: ({ runId }) => drillKey(runId),
};

/** Those that a trusted key signed; the others are problems. */
export function readDrillsAt(store: Store, trusted: readonly TrustedKey[]): Promise<ReadCounted<DrillRecord>> {
  return readCounted(store, DRILLS, trusted);
}
