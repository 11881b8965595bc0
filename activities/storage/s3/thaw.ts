/** Objects of the classes GLACIER and DEEP_ARCHIVE: whether one can be read now, and how it is asked for. */
import { timesOf } from '../../../model/config/destinations/thaw.ts';
import type { Thawing, ThawOptions, ThawState } from '../types.ts';
import { thawStateOf } from './archived.ts';
import type { Bucket } from './bucket.ts';
import { saidOneOf } from './errors.ts';
import { headOf, missing, type ObjectVersion } from './read.ts';

const DAY = 86_400_000;
const TIERS = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' } as const;

/** @param versionOf the version of an object that is meant, as for reading it. */
export function s3Thawing(bucket: Bucket, versionOf: (key: string) => Promise<string | undefined>): Thawing {
  async function look(key: string): Promise<{ readonly object: ObjectVersion; readonly now: ThawState }> {
    bucket.objectOf(key);
    const object = { key, version: await versionOf(key) };
    const head = await headOf(bucket, object);
    if (head === undefined) throw missing(bucket, key);
    return { object, now: thawStateOf(head) };
  }

  return {
    destination: bucket.where.destination,
    takes: timesOf(bucket.config),
    async state(key) {
      return (await look(key)).now;
    },
    async ask(key, options) {
      const { object, now } = await look(key);
      if (now.state === 'thawing' || (now.state === 'readable' && isLongEnough(now.until, options))) return;
      await restore(bucket, object, now, options);
    },
  };
}

/** Half of the days are left: it is not kept for longer at each look. */
function isLongEnough(until: Date | undefined, { days }: ThawOptions): boolean {
  return until === undefined || until.getTime() - Date.now() >= (days * DAY) / 2;
}

async function restore(bucket: Bucket, object: ObjectVersion, now: ThawState, options: ThawOptions): Promise<void> {
  const { key, version } = object;
  // Keeping what is there for longer is no retrieval, and has no speed.
  const how = now.state === 'frozen' ? { GlacierJobParameters: { Tier: TIERS[options.speed] } } : {};
  const wanted = {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    ...(version === undefined ? {} : { VersionId: version }),
    RestoreRequest: { Days: options.days, ...how },
  };
  await bucket.call({ doing: `asking for ${key}`, right: 's3:RestoreObject' }, (s3, request) =>
    s3.restoreObject(wanted, request).catch((error: unknown) => {
      // Somebody else was faster: it is on its way.
      if (!saidOneOf(error, 'RestoreAlreadyInProgress')) throw error;
    }),
  );
}
