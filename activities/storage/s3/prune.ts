/** Deleting, by the identity that may: every version of an object, and the marks that hide them. */
import { BackupError } from '../../../model/errors.ts';
import type { Pruner } from '../types.ts';
import type { Bucket } from './bucket.ts';
import { headOf } from './read.ts';
import { removeVersion, versionsOf, type Version } from './versions.ts';

export function s3Pruner(bucket: Bucket, versioned: () => Promise<boolean>): Pruner {
  return {
    async remove(key) {
      bucket.objectOf(key);
      if (!(await versioned())) {
        await removeVersion(bucket, key, undefined);
        return;
      }
      const versions = await versionsOf(bucket, key);
      // All are looked at before the first goes: an older one that stays behind would bear the name again.
      for (const version of versions) if (!version.marker) await requireUnlocked(bucket, key, version);
      // The oldest first: killed in the middle, the name means what it meant before.
      for (const version of versions.toReversed()) await removeVersion(bucket, key, version.id);
    },
  };
}

/** @throws BackupError `refused` when a lock or a legal hold keeps this version. */
async function requireUnlocked(bucket: Bucket, key: string, { id }: Version): Promise<void> {
  const head = await headOf(bucket, { key, version: id });
  const until = head?.ObjectLockRetainUntilDate;
  const held = head?.ObjectLockLegalHoldStatus === 'ON';
  if (!held && (until === undefined || until.getTime() <= Date.now())) return;
  const { destination } = bucket.where;
  const by = held ? 'a legal hold keeps it' : `its lock lasts until ${until?.toISOString()}`;
  throw new BackupError('refused', `${key} cannot be deleted at ${destination}: ${by}. Nothing of it was deleted.`, {
    remedy: held
      ? 'Whoever put the hold there can lift it (aws s3api put-object-legal-hold).'
      : 'It can be deleted after that date; pruning takes it up by itself.',
    facts: { destination, key, version: id, until: until?.toISOString() ?? null, held },
  });
}
