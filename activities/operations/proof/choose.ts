/** The first step of a restore test: which backup, and from where. */
import { BackupError } from '../../../model/errors.ts';
import { chooseProof } from '../../../model/proof/choose.ts';
import type { Verified } from '../../../model/evidence.ts';
import type { PinnedReference } from '../../../model/reference.ts';
import type { TestChoice } from '../../../model/restore-test.ts';
import type { Site } from '../../site.ts';
import { provableHere } from './provable.ts';

/** What its first proof that held has found. */
function contentsIn(tests: readonly Verified[], { sha256 }: PinnedReference): string | null {
  const first = tests
    .filter(({ backup, verdict, contents }) => backup.sha256 === sha256 && verdict === 'ok' && contents !== undefined)
    .toSorted((a, b) => (a.time < b.time ? -1 : 1))[0];
  return first?.contents ?? null;
}

export interface ChooseTestRequest {
  readonly site: Site;
  readonly source: string;
  /** Of the run: the same one chooses the same. */
  readonly runId: string;
}

/** @throws BackupError `not-found` where there is nothing to restore, with the places that could not be looked at. */
export async function chooseTest({ site, source, runId }: ChooseTestRequest): Promise<TestChoice> {
  const { provable, tests, passed } = await provableHere(site, source);
  const choice = chooseProof(provable, tests, `${runId}/${source}`);
  if (!choice) {
    const why = passed.length > 0 ? ` (${passed.join('; ')})` : '';
    throw new BackupError('not-found', `There is no backup of "${source}" that could be restored${why}.`, {
      remedy: 'See `mosaic-backup list`, and `mosaic-backup status` for what stands in the way.',
      facts: { source },
    });
  }
  const { backup, place, way } = choice;
  return { backup, place, way, contents: contentsIn(tests, backup), passed };
}
