/** Whether what is stored is what was to be stored. */
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { isEqual } from '../damaged-file.ts';
import type { Stored } from '../types.ts';
import { frozenVerdict, isArchived, thawStateOf } from './archived.ts';
import { DIGEST } from './attributes.ts';
import type { Bucket } from './bucket.ts';
import { agrees } from './checksums.ts';
import { isEncrypted, requireEncrypted } from './encrypted.ts';
import { digestBack, headOf, type ObjectVersion } from './read.ts';

export interface Confirming {
  readonly bucket: Bucket;
  readonly object: ObjectVersion;
  readonly expected: Stored;
  /** The checksum that the server must have computed. */
  readonly checksum: string;
  readonly work: Work;
}

/**
 * Asks the server for the SHA-256 that it computed itself over what it received and stored, and compares it with what
 * was sent; where it tells none, or the config wants it, reads the object back.
 * @throws BackupError `failed` when it is another object; `config` when it is not encrypted as the config wants it; `refused` where it lies frozen, and the server tells no checksum.
 */
export async function confirmStored(confirming: Confirming): Promise<void> {
  const { bucket, object, expected, checksum, work } = confirming;
  const head = await headOf(bucket, object, work.signal);
  if (head === undefined) throw different(confirming, 'it is not there');
  if (head.ContentLength !== undefined && head.ContentLength !== expected.bytes) {
    throw different(confirming, `it has ${head.ContentLength} bytes there, and ${expected.bytes} were sent`);
  }
  const agreed = agrees(head.ChecksumSHA256, checksum);
  if (agreed === false) throw different(confirming, 'its checksum there is another');
  requireEncrypted(bucket, object.key, head);
  const archived = isArchived(head.StorageClass);
  if (agreed && (bucket.config.confirm === 'checksum' || archived)) return;
  if (archived) throw unconfirmed(confirming, head.StorageClass);
  const found = await digestBack(bucket, object, readingBack(confirming), `confirming at ${bucket.where.destination}`);
  if (found === undefined || !isEqual(found, expected)) throw different(confirming, 'what is read back is another');
}

/** Reading back moves no new bytes; it shows as activity, so that it is not taken for a standstill. */
function readingBack({ expected, work }: Pick<Confirming, 'expected' | 'work'>): Work {
  const total = expected.bytes;
  return { ...work, progress: ({ phase, bytes }) => work.progress({ phase, bytes: total, total, activity: bytes }) };
}

/**
 * Whether the object that bears the name now is the expected one. What the server says of it is only a quick no: what
 * damaged it may not have been the server, so that an object that is left is one that was read. One that lies frozen
 * cannot be read, and goes by its checksum; `unproven` where the server tells none.
 */
export async function isThere(there: Omit<Confirming, 'checksum'>): Promise<boolean | 'unproven'> {
  const { bucket, object, expected, work } = there;
  const head = await headOf(bucket, object, work.signal);
  if (head === undefined || head.ContentLength !== expected.bytes) return false;
  // Stored before the config wanted it so, or refused then: it is stored again.
  if (!isEncrypted(bucket, head)) return false;
  const recorded = head.Metadata?.[DIGEST];
  if (recorded !== undefined && recorded !== expected.sha256) return false;
  if (thawStateOf(head).state !== 'readable') {
    const verdict = frozenVerdict(head, expected.sha256);
    return verdict === 'unproven' ? verdict : verdict === 'right';
  }
  const phase = `comparing with what is at ${bucket.where.destination}`;
  const found = await digestBack(bucket, object, readingBack(there), phase);
  return found !== undefined && isEqual(found, expected);
}

/** Nobody will ever know before a restore whether it is what was sent. */
export function unconfirmed({ bucket, object }: Pick<Confirming, 'bucket' | 'object'>, storageClass = ''): BackupError {
  const { destination, server } = bucket.where;
  return new BackupError(
    'refused',
    `${destination} took ${object.key} in the class ${storageClass}, and tells no SHA-256 of it: out of cold storage it cannot be read back, so that the copy is not confirmed.`,
    {
      remedy: `Choose a class that is read at once (storageClass), or a server that computes SHA-256: ${server} does not.`,
      facts: { destination, key: object.key },
    },
  );
}

function different({ bucket, object }: Confirming, why: string): BackupError {
  const { destination } = bucket.where;
  return new BackupError('failed', `${destination} did not store ${object.key} as it was sent: ${why}.`, {
    remedy: 'Look at the health of that server, and at who else writes to this bucket; the step is tried again.',
    facts: { destination, key: object.key },
  });
}
