/** The first step of a restore test: which backup, and from where. */
import { BackupError } from '../../../model/errors.ts';
import { chooseProof } from '../../../model/proof/choose.ts';
import type { TestChoice } from '../../../model/restore-test.ts';
import type { Site } from '../../site.ts';
import { provableHere } from './provable.ts';

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
  return { backup, place, way, passed };
}
