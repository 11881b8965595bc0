/** Whether a thaw takes longer than was promised, or is waited for no longer, as a condition. Pure. */
import type { Condition } from './alert.ts';
import type { ThawReport } from './thaw.ts';
import { thawId } from './thaw.ts';
import { formatDuration } from './units.ts';

/** Tells the thaw from every other. */
export function thawKey(report: ThawReport): string {
  return `thaw-late/${thawId(report)}`;
}

export function thawConditions(report: ThawReport, host: string, now: number): readonly Condition[] {
  const { backup, destination, facts, error, started, promised, speed, outcome } = report;
  const [, source = null] = backup.reference.split('/');
  if (outcome === 'failed') {
    return [
      {
        alert: 'thaw-failed',
        key: `thaw-failed/${thawId(report)}`,
        source,
        host,
        message: `${backup.reference} is not waited for at ${destination} any longer: ${error?.message ?? 'the wait itself has failed'}`,
        remedy: `${error?.remedy ?? 'Look at it in the Web UI.'} What was asked for comes all the same; \`mosaic-backup copies thaw\` waits again.`,
        once: true,
      },
    ];
  }
  if (!report.late || outcome !== null) return [];
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
