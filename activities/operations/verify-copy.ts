/** Verification of a sealed backup in the repository, as a run's last step on a source. */
import { BackupError } from '../../model/errors.ts';
import { pinnedReference, type PinnedReference } from '../../model/reference.ts';
import type { Site } from '../site.ts';
import { findPinned, listBackups } from '../storage/catalogue.ts';
import { openRepository } from '../storage/repository.ts';
import type { Work } from '../work.ts';
import { verifyBackup } from './verify.ts';

export interface Verified {
  readonly ok: true;
}

/** @throws BackupError `verification-failed` with what was found; the evidence is recorded either way. */
export async function verifyInRepository({
  site,
  backup,
  work,
}: {
  readonly site: Site;
  readonly backup: PinnedReference;
  readonly work: Work;
}): Promise<Verified> {
  const store = await openRepository(site);
  const catalogue = await listBackups(store, { logs: false });
  const evidence = await verifyBackup({
    site,
    store,
    destinationName: null,
    backup: findPinned(catalogue, pinnedReference.parse(backup)),
    catalogue,
    work,
  });
  if (evidence.verdict === 'ok') return { ok: true };
  const found = evidence.checks
    .filter(({ compared, ok }) => compared && !ok)
    .map(({ name, detail }) => `${name}: ${detail}`);
  throw new BackupError('verification-failed', `${backup.reference} is damaged: ${found.join('; ')}`, {
    remedy: 'Do not rely on this backup. Look at the disk of the repository, then run the plan again.',
    facts: { reference: backup.reference, checks: found },
  });
}
