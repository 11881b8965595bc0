/** Whether a thaw takes longer than was promised, as a condition. Pure. */
import type { Condition } from './alert.ts';
import type { ThawReport } from './thaw.ts';
import { thawId } from './thaw.ts';
import { formatDuration } from './units.ts';

/** Tells the thaw from every other. */
export function thawKey(report: ThawReport): string {
  return `thaw-late/${thawId(report)}`;
}

export function thawConditions(report: ThawReport, host: string, now: number): readonly Condition[] {
  if (!report.late || report.outcome !== null) return [];
  const { backup, destination, facts, error, started, promised, speed } = report;
  const [, source = null] = backup.reference.split('/');
  const left =
    facts === null ? 'all of it' : `${facts.all.objects - facts.readable.objects} of ${facts.all.objects} objects`;
  const why = error === null ? '' : ` ${error.message}`;
  const since = formatDuration(now - Date.parse(started));
  return [
    {
      alert: 'thaw-late',
      key: thawKey(report),
      source,
      host,
      message: `${backup.reference} was asked for at ${destination} ${since} ago (${speed}), and should have been there by ${promised}: ${left} cannot be read yet.${why}`,
      remedy:
        error?.remedy ??
        `Ask the provider's support; use another copy (mosaic-backup show ${backup.reference}). The wait goes on.`,
      once: false,
    },
  ];
}
