/** Small objects: manifests, keys, evidence, recovery points. */
import { createHash } from 'node:crypto';
import { BackupError } from '../../../model/errors.ts';
import type { PutSmallOptions } from '../types.ts';
import { smallAttributes } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { agrees } from './checksums.ts';
import { confirmEncrypted, isEncrypted } from './encrypted.ts';
import { isUnknownHere, saidOneOf } from './errors.ts';
import { extendLock, lockedUntil } from './lock.ts';
import { bytesOf, wholeOf } from './read.ts';

/** Times that it is looked again, when somebody else writes the same name at the same moment. */
const ATTEMPTS = 5;

/**
 * Stores a small object unless an equal one is there, whose lock is then made longer; one that is not encrypted as the
 * config wants it is stored again. Where it must not replace
 * another, the server itself is told so (If-None-Match); one that does not know that has the look before alone.
 */
export async function putSmall(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { replace, until }: PutSmallOptions,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const there = await wholeOf(bucket, { key });
    const isEqual = there !== undefined && Buffer.from(there.bytes).equals(bytes);
    if (isEqual && isEncrypted(bucket, there.told)) {
      await extendLock(bucket, { key }, until === undefined ? {} : { until });
      return;
    }
    if (there !== undefined && !isEqual && !replace) throw conflict(bucket, key);
    const written = await write(bucket, key, {
      bytes,
      onlyNew: !replace && !isEqual,
      until: await lockOf(bucket, key, there?.bytes, until),
    });
    if (written !== undefined) {
      await confirm(bucket, key, { bytes, ...written });
      await confirmEncrypted(bucket, { key, version: written.version });
      return;
    }
  }
  throw conflict(bucket, key);
}

/** What replaces a locked object is locked as long: the version below alone would not be found by its name. */
async function lockOf(
  bucket: Bucket,
  key: string,
  there: Uint8Array | undefined,
  until: Date | undefined,
): Promise<Date | undefined> {
  if (bucket.config.lock === undefined || there === undefined) return until;
  const locked = await lockedUntil(bucket, { key });
  if (locked === null) return until;
  return until === undefined || locked > until ? locked : until;
}

interface Writing {
  readonly bytes: Uint8Array;
  readonly onlyNew: boolean;
  readonly until: Date | undefined;
}

interface Written {
  readonly checksum: string | undefined;
  readonly version: string | undefined;
}

/** Undefined when somebody else was quicker. */
async function write(bucket: Bucket, key: string, { bytes, onlyNew, until }: Writing): Promise<Written | undefined> {
  const object = {
    Bucket: bucket.name,
    Key: bucket.objectOf(key),
    Body: bytes,
    ChecksumSHA256: checksumOf(bytes),
    ContentType: key.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    ...smallAttributes(bucket.config, until === undefined ? {} : { until }),
  };
  return bucket.call({ doing: `writing ${key}`, right: 's3:PutObject' }, async (s3, options) => {
    try {
      return written(await s3.putObject(onlyNew ? { ...object, IfNoneMatch: '*' } : object, options));
    } catch (error) {
      if (saidOneOf(error, 'PreconditionFailed', 'ConditionalRequestConflict')) return undefined;
      if (!onlyNew || !isUnknownHere(error)) throw error;
      return written(await s3.putObject(object, options));
    }
  });
}

function written({
  ChecksumSHA256,
  VersionId,
}: {
  ChecksumSHA256?: string | undefined;
  VersionId?: string | undefined;
}): Written {
  return { checksum: ChecksumSHA256, version: VersionId };
}

/** By the checksum that the server computed; where it tells none, or the config wants it, by reading it back. */
async function confirm(
  bucket: Bucket,
  key: string,
  { bytes, checksum, version }: Written & { readonly bytes: Uint8Array },
): Promise<void> {
  if (agrees(checksum, checksumOf(bytes)) && bucket.config.confirm === 'checksum') return;
  const found = await bytesOf(bucket, { key, version });
  if (found !== undefined && Buffer.from(found).equals(bytes)) return;
  throw new BackupError(
    'failed',
    `${bucket.where.destination} gave back other bytes than were written to it for ${key}.`,
    {
      remedy: 'Look at the health of that server, and at who else writes to this bucket; the step is tried again.',
      facts: { key, destination: bucket.where.destination },
    },
  );
}

function checksumOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function conflict({ where }: Bucket, key: string): BackupError {
  return new BackupError('conflict', `${key} exists at ${where.destination} and is different. It was left as it is.`, {
    remedy: 'Two things want one name: see what the one that is there says, and move away the one that is wrong.',
    facts: { key, destination: where.destination },
  });
}
