/** How an artifact is cut into parts. */
import { PART_BOUNDS, type S3Destination } from '../../../model/config/destinations/s3.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';

const MEBIBYTE = 2 ** 20;
/** What S3 takes. */
const MOST_PARTS = 10_000;
const LARGEST_OBJECT = 5 * 2 ** 40;
/** Bytes that all parts under way may take, where parts must be large; one at least is under way. */
const MEMORY = 512 * MEBIBYTE;

export interface Cut {
  /** Bytes of all parts but the last. */
  readonly size: number;
  readonly count: number;
  /** Parts under way at once. */
  readonly lanes: number;
}

/**
 * Parts of the configured size; larger ones where there would be more than 10,000 of them.
 * @throws BackupError `refused` above 5 TiB.
 */
export function cutOf(bytes: number, { partSize, parallel }: Pick<S3Destination, 'partSize' | 'parallel'>): Cut {
  if (bytes > LARGEST_OBJECT) {
    throw new BackupError('refused', `S3 takes objects of 5 TiB at most, and this one has ${formatBytes(bytes)}.`, {
      remedy: 'Divide the source, as by paths or databases, or use a destination of another type.',
      facts: { bytes },
    });
  }
  const needed = Math.ceil(bytes / MOST_PARTS / MEBIBYTE) * MEBIBYTE;
  const size = Math.min(Math.max(partSize, needed), PART_BOUNDS.largest);
  return cutBy(bytes, size, parallel);
}

/** The cut of an upload that was begun with parts of this size. */
export function cutBy(bytes: number, size: number, parallel: number): Cut {
  const count = Math.max(1, Math.ceil(bytes / size));
  return { size, count, lanes: Math.min(count, parallel, Math.max(1, Math.floor(MEMORY / size))) };
}
