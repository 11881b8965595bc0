/** What a server says of an object that may lie in an archive. */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import { FROZEN_CLASSES } from '../../../model/config/destinations/thaw.ts';
import type { ThawState } from '../types.ts';
import { DIGEST } from './attributes.ts';
import { agrees, wholeChecksum } from './checksums.ts';

/** Whether an object of this class must be asked for before it can be read. */
export function isArchived(storageClass: string | undefined): boolean {
  return FROZEN_CLASSES.has(storageClass ?? '');
}

/** By what the server says of an object. */
export function thawStateOf({
  StorageClass,
  Restore,
}: Pick<HeadObjectCommandOutput, 'StorageClass' | 'Restore'>): ThawState {
  if (!isArchived(StorageClass)) return { state: 'readable' };
  if (Restore === undefined) return { state: 'frozen' };
  if (/ongoing-request="true"/.test(Restore)) return { state: 'thawing' };
  const [, expiry = ''] = /expiry-date="([^"]+)"/.exec(Restore) ?? [];
  const until = new Date(expiry);
  // A date that cannot be read must not make a frozen one of it: that would be asked for, and paid for, again.
  return Number.isNaN(until.getTime()) ? { state: 'readable' } : { state: 'readable', until };
}

/**
 * Whether an object that nobody can read now is the expected one. Whoever may write records what he likes: the server must
 * have computed a checksum as well, and of one that was put whole it must be the right one. `unproven`: it tells none.
 */
export function frozenVerdict(head: HeadObjectCommandOutput, sha256: string): 'right' | 'other' | 'unproven' {
  const { Metadata, ChecksumSHA256: told } = head;
  if (Metadata?.[DIGEST] !== sha256) return 'other';
  if (told === undefined) return 'unproven';
  return isOfParts(head) || agrees(told, wholeChecksum(sha256)) ? 'right' : 'other';
}

/** Then its checksum is one of the checksums of its parts, which nobody knows any more. */
function isOfParts({ ChecksumSHA256 = '', ChecksumType, ETag = '' }: HeadObjectCommandOutput): boolean {
  return ChecksumType === 'COMPOSITE' || [ChecksumSHA256, ETag].some((tag) => /-\d+"?$/.test(tag));
}
