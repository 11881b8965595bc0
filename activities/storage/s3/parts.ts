/** How an artifact is cut into parts. */
import { PART_BOUNDS, type S3Destination } from '../../../model/config/destinations/s3.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import { cutBy, type Cut } from '../upload/cut.ts';

const MEBIBYTE = 2 ** 20;
/** What S3 takes. */
const MOST_PARTS = 10_000;
const LARGEST_OBJECT = 5 * 2 ** 40;

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
