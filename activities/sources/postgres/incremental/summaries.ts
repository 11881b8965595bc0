/**
 * Whether the server can take an incremental: it must run one that summarizes WAL, on the history of the parent,
 * and have every summary from the parent's beginning on. It would say so itself, but only when it is asked for the backup.
 */
import { z } from 'zod';
import { lsnNumber } from '../base-backup.ts';
import type { Session } from '../session.ts';
import type { BasePosition } from './position.ts';

/** The first version with incremental base backups. */
const SINCE = 170000;

const setting = z.object({ on: z.boolean() });
const standing = z.object({
  systemId: z.string(),
  timeline: z.number(),
  /** Where WAL is written now. */
  lsn: z.string(),
  /** Where the newest summary on disk ends. */
  summarized: z.string(),
  works: z.boolean(),
});
const summary = z.object({ start: z.string(), end: z.string() });

// The timeline of the last checkpoint may still be that of before a promotion; that of the WAL is not.
const STANDING = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId",
         ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int AS timeline,
         pg_current_wal_insert_lsn()::text AS lsn,
         summarized_lsn::text AS summarized, summarizer_pid IS NOT NULL AS works
    FROM pg_get_wal_summarizer_state()`;

const SUMMARIES = `
  SELECT start_lsn::text AS start, end_lsn::text AS end FROM pg_available_wal_summaries()
   WHERE tli = $1 AND end_lsn > $2::pg_lsn ORDER BY start_lsn`;

/** Whether a server summarizes its WAL, without which there are no incrementals of it. */
export async function summarizes(session: Session): Promise<boolean> {
  if (session.version < SINCE) return false;
  const [found] = await session.rows(setting, "SELECT current_setting('summarize_wal')::bool AS on");
  return found?.on === true;
}

/** Why an incremental on this parent cannot be taken; null when it can. */
export async function objection(session: Session, parent: BasePosition): Promise<string | null> {
  const [now] = await session.rows(standing, STANDING);
  if (!now) throw new TypeError('a query for one row gave none');
  if (now.systemId !== parent.systemId) {
    return `the server is another cluster: its system identifier is ${now.systemId}, and was ${parent.systemId}`;
  }
  if (now.timeline !== parent.timeline) {
    return `the server is on timeline ${now.timeline} now, and was on ${parent.timeline}: it was promoted or recovered`;
  }
  if (lsnNumber(now.lsn) < lsnNumber(parent.endLsn)) {
    return `the server is at ${now.lsn}, before the end of the last backup (${parent.endLsn}): it was set back`;
  }
  if (!now.works) return 'the WAL summarizer of the server does not run';
  const found = await session.rows(summary, SUMMARIES, [parent.timeline, parent.startLsn]);
  const gap = gapIn(found, parent.startLsn, now.summarized);
  return gap === null ? null : `the server has no WAL summary from ${gap} on: see wal_summary_keep_time`;
}

/** Where summaries, in the order of their beginnings, leave a hole between two places; null when they leave none. */
export function gapIn(summaries: readonly z.infer<typeof summary>[], from: string, until: string): string | null {
  let reached = from;
  for (const { start, end } of summaries) {
    if (lsnNumber(start) > lsnNumber(reached)) return reached;
    if (lsnNumber(end) > lsnNumber(reached)) reached = end;
  }
  return lsnNumber(reached) < lsnNumber(until) ? reached : null;
}
