/** Copying of one backup to one destination: parents first, artifacts, key, and the manifest last, as its commit point. */
import { BackupError } from '../../model/errors.ts';
import { sizes } from '../../model/manifest.ts';
import { KEY_FILE, MANIFEST } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import type { CopiedBackup } from '../../model/run.ts';
import { formatBytes } from '../../model/units.ts';
import type { Site } from '../site.ts';
import { chainOf, readBackup, type Catalogued } from '../storage/catalogue.ts';
import { encodeManifest, manifestDigest, parseManifest } from '../storage/manifest-file.ts';
import type { Destination, LocalStore } from '../storage/types.ts';
import type { Work } from '../work.ts';

export interface CopyRequest {
  readonly site: Site;
  readonly from: LocalStore;
  readonly to: Destination;
  readonly backup: Catalogued;
  /** What `from` holds: the backup's parents are found in it. */
  readonly catalogue: readonly Catalogued[];
  readonly work: Work;
}

/**
 * Copies a backup, and before it those of its parents that the destination lacks. Each object is confirmed by its
 * digest at the other side before it bears its name; done twice it changes nothing.
 * @returns the bytes of artifacts that were copied now.
 * @throws BackupError `verification-failed` when the local backup is damaged, `no-space`, `conflict`, `unreachable`, `access-denied`, `not-found`.
 */
export async function copyBackup(request: CopyRequest): Promise<CopiedBackup> {
  const started = Date.now();
  const { to, backup, work } = request;
  let bytes = 0;
  for (const member of await membersToCopy(request)) {
    bytes += await copyMember(request, member);
  }
  const milliseconds = Date.now() - started;
  work.log.info({ backup: formatReference(backup.name), destination: to.name, bytes, milliseconds }, 'backup copied');
  return { destination: to.name, bytes, milliseconds };
}

/** The chain, full first, from the first member on that the destination lacks. */
async function membersToCopy({ to, backup, catalogue }: CopyRequest): Promise<readonly Catalogued[]> {
  return chainOf(catalogue, backup);
}
