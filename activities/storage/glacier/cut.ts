/** How an artifact is cut into parts of an upload to a vault. */
import type { GlacierDestination } from '../../../model/config/destinations/glacier.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatBytes } from '../../../model/units.ts';
import { cutBy, type Cut } from '../upload/cut.ts';

/** What Glacier takes. */
const MOST_PARTS = 10_000;
const LARGEST_PART = 4 * 2 ** 30;

/**
 * Parts of the configured size; twice as large ones, as often as there would be more than 10,000 of them.
 * @throws BackupError `refused` above 40 TB.
 */
export function cutOf(bytes: number, { partSize, parallel }: Pick<GlacierDestination, 'partSize' | 'parallel'>): Cut {
  let size = partSize;
  while (Math.ceil(bytes / size) > MOST_PARTS) size *= 2;
  if (size <= LARGEST_PART) return cutBy(bytes, size, parallel);
  throw new BackupError('refused', `A vault takes archives of 40 TB at most, and this one has ${formatBytes(bytes)}.`, {
    remedy: 'Divide the source, as by paths or databases, or use a destination of another type.',
    facts: { bytes },
  });
}
