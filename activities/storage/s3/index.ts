/** The destination type `s3`: a bucket of AWS, or of anything that speaks its protocol. */
import path from 'node:path';
import type { S3Destination } from '../../../model/config/destinations/s3.ts';
import { freezes } from '../../../model/config/destinations/thaw.ts';
import { MANIFEST } from '../../../model/paths.ts';
import type { Destination, DestinationContext, Pruner, Weakness } from '../types.ts';
import { abortAbandoned, IDLE_FOR } from './abandoned.ts';
import { openBucket, type Bucket } from './bucket.ts';
import { s3Before } from './before.ts';
import { chooseManifest, chooseVersion, earlierOf } from './choose.ts';
import { listObjects, listVersions } from './list.ts';
import { serverTime } from './clock.ts';
import { copyObject } from './copy-within.ts';
import { extendLock, lockedUntil } from './lock.ts';
import { probeBucket } from './probe.ts';
import { s3Pruner } from './prune.ts';
import { putArtifact } from './put.ts';
import { bytesOf, digestBack, missing, openObject } from './read.ts';
import { noneSeen } from './seen.ts';
import { putSmall } from './small.ts';
import { uploadsIn } from '../upload/uploads.ts';
import { s3Thawing } from './thaw.ts';
import { keepsVersions } from './versions.ts';

export function s3Destination(context: DestinationContext<S3Destination>): Destination {
  const { name, config, state, readSecret, accepts } = context;
  const bucket = openBucket({ destination: name, config, credentials: config.credentials, readSecret });
  const uploads = uploadsIn(path.join(state, 'uploads', name), config.bucket);
  const versioned = once(() => keepsVersions(bucket));
  const seen = noneSeen();
  const choosing = { bucket, versioned, seen, accepts };
  let swept = false;

  const now: Destination = {
    name,
    type: config.type,
    offsite: config.offsite ?? config.endpoint === undefined,

    async *list(prefix, options = {}) {
      if (await versioned()) yield* listVersions(bucket, prefix, { options, seen });
      else yield* listObjects(bucket, prefix, options);
    },
    async readSmall(key) {
      bucket.objectOf(key);
      return key.endsWith(`/${MANIFEST}`) ? chooseManifest(choosing, key) : bytesOf(bucket, { key });
    },
    earlier(key) {
      bucket.objectOf(key);
      return earlierOf(choosing, key);
    },
    async open(key) {
      bucket.objectOf(key);
      const stream = await openObject(bucket, { key, version: await chooseVersion(choosing, key) });
      if (stream === undefined) throw missing(bucket, key);
      return stream;
    },
    ...(freezes(config) ? { thawing: s3Thawing(bucket, (key) => chooseVersion(choosing, key)) } : {}),
    async digest(key, work) {
      bucket.objectOf(key);
      return digestBack(bucket, { key, version: await chooseVersion(choosing, key) }, work, `reading ${key} back`);
    },
    async putSmall(key, bytes, options) {
      bucket.objectOf(key);
      await putSmall(bucket, key, bytes, options);
    },
    async put(key, file, expected, work, options = {}) {
      bucket.objectOf(key);
      async function sweep(): Promise<void> {
        if (!swept) await abortAbandoned({ bucket, uploads, idleFor: IDLE_FOR, work });
        swept = true;
      }
      await putArtifact({ bucket, uploads, key, file, expected, work, options, sweep });
    },
    async copyWithin(from, to, expected, work, keeping = {}) {
      const version = await chooseVersion(choosing, from);
      const copied = await copyObject({ bucket, from: { key: from, version }, to, expected, keeping, work });
      if (!copied)
        work.log.warn({ destination: name, from, to }, 'what is there is not what is to be copied: it is sent');
    },
    keepsVersions: versioned,
    clock: () => serverTime(bucket),
    async keep(key, until) {
      bucket.objectOf(key);
      await extendLock(bucket, { key, version: await chooseVersion(choosing, key) }, { until });
    },
    ...(config.lock === undefined
      ? {}
      : {
          lockedUntil: async (key: string) => lockedUntil(bucket, { key, version: await chooseVersion(choosing, key) }),
        }),
    async pruner(): Promise<Pruner | null> {
      const { prune } = config;
      if (prune === undefined) return null;
      const by = prune === true ? bucket : openBucket({ destination: name, config, credentials: prune, readSecret });
      return s3Pruner(by, versioned);
    },
    async free() {
      // Nobody is told how much a bucket still takes.
      return null;
    },
    async device() {
      return deviceOf(config);
    },
    async probe() {
      await probeBucket(bucket);
    },
    async weaknesses() {
      return (await versioned()) ? [] : [overwritable(bucket)];
    },
  };
  if (config.before === undefined) return now;
  const { before, lockedOnly = false } = config;
  return s3Before(now, { bucket, versioned, accepts, before: Date.parse(before), lockedOnly });
}

/** Buckets of one server are lost together, as folders of one file server are. */
function deviceOf({ endpoint, region }: S3Destination): string {
  return endpoint === undefined ? `s3:${region ?? 'aws'}` : `server:${new URL(endpoint).hostname}`;
}

/** Asked once, and again where that failed. */
function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return async () => {
    try {
      return await (asked ??= ask());
    } catch (error) {
      asked = undefined;
      throw error;
    }
  };
}

/** Without versions one stolen secret is enough to lose every copy there. */
function overwritable({ where, name }: Bucket): Weakness {
  return {
    message: `the bucket ${name} of ${where.destination} keeps no versions: whoever has the credentials of this host can overwrite every copy in it`,
    remedy: `Let it keep versions (aws s3api put-bucket-versioning --bucket ${name} --versioning-configuration Status=Enabled), best with Object Lock: docs/s3.md.`,
  };
}
