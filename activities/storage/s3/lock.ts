/** Object Lock: nobody deletes or changes a version before a date. It is only ever made longer. */
import type { ObjectLockRetention } from '@aws-sdk/client-s3';
import type { Keeping } from '../types.ts';
import { modeOf } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { saidOneOf } from './errors.ts';
import { headOf, type ObjectVersion } from './read.ts';

/** Makes the lock of an object last until then at least. Nothing where the config has no lock. */
export async function extendLock(bucket: Bucket, object: ObjectVersion, { until }: Keeping): Promise<void> {
  const { lock } = bucket.config;
  if (lock === undefined || until === undefined || until.getTime() <= Date.now()) return;
  const found = await retentionOf(bucket, object);
  if (found === undefined) return;
  const { Mode: mode, RetainUntilDate: locked } = found.retention;
  // Servers keep whole seconds.
  if (locked !== undefined && Math.floor(locked.getTime() / 1000) >= Math.floor(until.getTime() / 1000)) return;
  await bucket.call(
    { doing: `making the lock of ${object.key} longer`, right: 's3:PutObjectRetention' },
    (s3, options) =>
      s3.putObjectRetention(
        {
          ...named(bucket, { key: object.key, version: found.version }),
          // A lock of compliance stays one, whatever the config says since.
          Retention: { Mode: mode === 'COMPLIANCE' ? mode : modeOf(lock), RetainUntilDate: until },
        },
        options,
      ),
  );
}

/** Until when an object is locked; null where it is not, or is not there. */
export async function lockedUntil(bucket: Bucket, object: ObjectVersion): Promise<Date | null> {
  const until = (await retentionOf(bucket, object))?.retention.RetainUntilDate;
  return until !== undefined && until.getTime() > Date.now() ? until : null;
}

interface Found {
  readonly retention: ObjectLockRetention;
  /** The version that was looked at, where the bucket keeps any. */
  readonly version: string | undefined;
}

/** Undefined where the object is not there. */
async function retentionOf(bucket: Bucket, object: ObjectVersion): Promise<Found | undefined> {
  if (object.version === undefined) {
    const head = await headOf(bucket, object);
    if (head === undefined) return undefined;
    const { ObjectLockMode: Mode, ObjectLockRetainUntilDate: RetainUntilDate, VersionId } = head;
    const lock = Mode && RetainUntilDate;
    return { version: VersionId, retention: lock ? { Mode, RetainUntilDate } : {} };
  }
  // Of a version below another one versitygw's HEAD tells no lock.
  const doing = { doing: `looking at the lock of ${object.key}`, right: 's3:GetObjectRetention' };
  return bucket.call(doing, async (s3, options) => {
    try {
      const { Retention = {} } = await s3.getObjectRetention(named(bucket, object), options);
      return { version: object.version, retention: Retention };
    } catch (error) {
      if (saidOneOf(error, 'NoSuchObjectLockConfiguration')) return { version: object.version, retention: {} };
      throw error;
    }
  });
}

function named(bucket: Bucket, { key, version }: ObjectVersion) {
  return {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    ...(version === undefined ? {} : { VersionId: version }),
  };
}
