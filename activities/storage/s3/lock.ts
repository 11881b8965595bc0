/** Object Lock: nobody deletes or changes a version before a date. It is only ever made longer. */
import type { Keeping } from '../types.ts';
import { modeOf } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { headOf } from './read.ts';

/** Makes the lock of the version that bears the name now last until then at least. Nothing where the config has no lock. */
export async function extendLock(bucket: Bucket, key: string, { until }: Keeping): Promise<void> {
  const { lock } = bucket.config;
  if (lock === undefined || until === undefined || until.getTime() <= Date.now()) return;
  const head = await headOf(bucket, { key });
  if (head === undefined) return;
  const { ObjectLockMode: mode, ObjectLockRetainUntilDate: locked, VersionId } = head;
  // Servers keep whole seconds.
  if (locked !== undefined && Math.floor(locked.getTime() / 1000) >= Math.floor(until.getTime() / 1000)) return;
  const version = VersionId === undefined ? {} : { VersionId };
  await bucket.call({ doing: `making the lock of ${key} longer`, right: 's3:PutObjectRetention' }, (s3, options) =>
    s3.putObjectRetention(
      {
        Bucket: bucket.name,
        Key: bucket.objectOf(key),
        ...version,
        // A lock of compliance stays one, whatever the config says since.
        Retention: { Mode: mode === 'COMPLIANCE' ? mode : modeOf(lock), RetainUntilDate: until },
      },
      options,
    ),
  );
}

/** Until when the version that bears the name now is locked; null where it is not, or is not there. */
export async function lockedUntil(bucket: Bucket, key: string): Promise<Date | null> {
  const until = (await headOf(bucket, { key }))?.ObjectLockRetainUntilDate;
  return until !== undefined && until.getTime() > Date.now() ? until : null;
}
