/** What restores of a source took before, by the evidence that lies at a place. */
import type { Measured } from '../../../model/evidence.ts';
import { NEWEST } from '../../../model/proof/expected.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { readMeasured } from '../../storage/evidence-file.ts';
import type { Store } from '../../storage/types.ts';
import { BackupError } from '../../../model/errors.ts';

/** The newest first; none where it cannot be read: no restore waits for what only tells how long it takes. */
export async function measuredAt(site: Site, store: Store, source: string): Promise<readonly Measured[]> {
  try {
    return await readMeasured(store, await trustedKeys(site), source, NEWEST);
  } catch (error) {
    if (error instanceof BackupError) return [];
    throw error;
  }
}
