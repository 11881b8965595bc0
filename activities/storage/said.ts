/** What was said of the backups of a place: found out by checks, and marked by people. */
import type { Verified } from '../../model/evidence.ts';
import type { Mark } from '../../model/mark.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { evidenceAmong } from './evidence-file.ts';
import { listAll } from './list-all.ts';
import { marksAmong } from './marks.ts';
import type { Store } from './types.ts';

export interface Said {
  /** Oldest first, both. */
  readonly evidence: readonly Verified[];
  readonly marks: readonly Mark[];
}

/** As `readEvidence` and `readMarks`, with one walk for both: of very many backups it takes longest. */
export async function readSaid(store: Store, trusted: readonly TrustedKey[]): Promise<Said> {
  const below = 'evidence';
  const listed = await listAll(store, below);
  const [evidence, marks] = await Promise.all([
    evidenceAmong(store, trusted, { listed, below }),
    marksAmong(store, trusted, listed),
  ]);
  return { evidence, marks };
}
