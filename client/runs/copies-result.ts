/** The result of a run that caught up, as the command line prints it. */
import type { Delivered } from '../../model/catch-up.ts';
import { formatBytes } from '../../model/units.ts';

export const COPIES_COLUMNS = [
  'destination',
  'from',
  'state',
  'copied',
  'backups owed',
  'bytes',
  'since',
  'records',
] as const;

/** One row for each destination and host. */
export function copiesRows(destinations: readonly Delivered[]): string[][] {
  return destinations.map(({ destination, host, state, copied, behind }) => [
    destination,
    host,
    state,
    copied.backups > 0 ? `${copied.backups}, ${formatBytes(copied.bytes)}` : '',
    behind ? String(behind.backups) : '?',
    behind ? formatBytes(behind.bytes) : '?',
    behind?.since ?? '',
    behind ? String(behind.records) : '?',
  ]);
}
