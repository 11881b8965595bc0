/** What should be at a place: by the repository's catalogue, and by the recovery points that anybody still has. */
import path from 'node:path';
import { canonical } from '../../../model/manifest.ts';
import { MANIFEST, parseBackupId, possibleFolders } from '../../../model/paths.ts';
import { recoveryPoint } from '../../../model/recovery-point.ts';
import { TIERS, type Tier } from '../../../model/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { verifySignature, type TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { parseRecord } from '../../storage/record.ts';
import type { Store } from '../../storage/types.ts';
import { topsTaken } from '../catch-up/owing.ts';
import { takesLogs } from '../owed-to.ts';

/** Folders of the backups in the repository that belong at a destination, logs too. */
export async function foldersExpected(site: Site, repository: Store, destination: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const top of [...topsTaken(site, destination), ...(takesLogs(site, destination) ? ['logs'] : [])]) {
    for await (const { key } of repository.list(top, { named: MANIFEST })) found.add(path.posix.dirname(key));
  }
  return found;
}

/** One backup that a recovery point names. */
export interface NamedBackup {
  readonly reference: string;
  readonly source: string;
  readonly tier: Tier;
  readonly recoveryPoint: string;
  readonly scheduled: string;
  /** Everywhere it may lie. */
  readonly folders: readonly string[];
}

/**
 * Backups that recovery points at some places say were at this one, signed by a trusted key. A backup is named once.
 * @param destination null for the repository, where all that they name was made or stood in.
 */
export async function backupsNamed(
  stores: readonly Store[],
  trusted: readonly TrustedKey[],
  destination: string | null,
): Promise<readonly NamedBackup[]> {
  const named = new Map<string, NamedBackup>();
  for (const store of stores) {
    try {
      for await (const bytes of pointsAt(store))
        for (const one of namedIn(bytes, trusted, destination)) named.set(one.reference, one);
    } catch (error) {
      // A place that is away says nothing.
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    }
  }
  return [...named.values()];
}

async function* pointsAt(store: Store): AsyncGenerator<Uint8Array> {
  for await (const { key } of store.list('recovery-points')) {
    const bytes = await store.readSmall(key);
    if (bytes !== undefined) yield bytes;
  }
}

/** A point that is damaged, or a stranger's, names nothing. */
function namedIn(
  bytes: Uint8Array,
  trusted: readonly TrustedKey[],
  destination: string | null,
): readonly NamedBackup[] {
  try {
    const { signature, ...unsigned } = parseRecord(bytes, recoveryPoint, 'recovery point');
    if (verifySignature(canonical(unsigned), signature, trusted, unsigned.created) !== 'good') return [];
    return unsigned.sources.flatMap(({ backup, copies }) => {
      if (backup === null || (destination !== null && !copies.includes(destination))) return [];
      const [top, source = '', id = ''] = backup.reference.split('/');
      const tier = TIERS.find((each) => each === top);
      const scheduled = parseBackupId(id)?.scheduled;
      if (tier === undefined || scheduled === undefined) return [];
      const folders = possibleFolders({ tier, source, id });
      return [{ reference: backup.reference, source, tier, recoveryPoint: unsigned.id, scheduled, folders }];
    });
  } catch (error) {
    if (error instanceof BackupError && error.code === 'verification-failed') return [];
    throw error;
  }
}
