/** What retention did in a run, a line for each thing that is worth one. */
import { formatBytes } from '../units.ts';
import type { RetentionSummary } from './summary.ts';

export function retentionLines({ places, stopped }: RetentionSummary): readonly string[] {
  return [
    ...places.flatMap(({ place, away, deleted, left, problems }) => [
      ...(away === null ? [] : [`retention: ${place} was not looked at: ${away}`]),
      ...(deleted.backups > 0
        ? [`retention: ${deleted.backups} backups deleted at ${place}, ${formatBytes(deleted.bytes)} freed`]
        : []),
      ...(left.backups > 0 ? [`retention: ${left.backups} backups are due at ${place}, and were not deleted`] : []),
      ...problems.map((problem) => `retention: ${place}: ${problem}`),
    ]),
    ...stopped.map(({ source, reasons }) => `retention: nothing of ${source} is deleted: ${reasons.join('; ')}`),
  ];
}
