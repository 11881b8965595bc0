/** What retention did in a run, a line for each thing that is worth one. */
import { formatBytes } from '../units.ts';
import type { RetentionSummary } from './summary.ts';

/** What of a place is to be deleted stays where this host may not. */
export const FORBIDDEN =
  'this host has no identity that may delete there: a host whose config has one (`prune`) deletes them';

export function retentionLines({ places, stopped }: RetentionSummary): readonly string[] {
  return [
    ...places.flatMap(({ place, away, mayDelete, deleted, left, problems }) => [
      ...(away === null ? [] : [`retention: ${place} was not looked at: ${away}`]),
      ...(deleted.backups > 0
        ? [`retention: ${deleted.backups} backups deleted at ${place}, ${formatBytes(deleted.bytes)} freed`]
        : []),
      ...(left.backups > 0
        ? [`retention: ${left.backups} backups are due at ${place}, and ${mayDelete ? 'were not deleted' : FORBIDDEN}`]
        : []),
      ...problems.map((problem) => `retention: ${place}: ${problem}`),
    ]),
    ...stopped.map(({ source, reasons }) => `retention: nothing of ${source} is deleted: ${reasons.join('; ')}`),
  ];
}
