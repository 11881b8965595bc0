/**
 * Which logs are kept: from the oldest backup in the window for recovery to a point in time. That is a full, or what is
 * kept as a parent or a child behind one: whatever is there can be recovered from, and the loss of its logs is told as one.
 */
import type { KeptBackup, Reason, RetentionInput, SourceRules } from './types.ts';
import { formatPeriod } from './period.ts';
import { earlier, localTime } from './zone.ts';

/** Logs are told from others by clocks, which may have been set in between: so much more is kept, in milliseconds. */
const SPARE = 86_400_000;

export interface LogsRule {
  /** Logs that were sealed before are of no use; null where all are kept. */
  readonly from: number | null;
  /** Why the others are kept. */
  readonly reason: Reason;
}

/**
 * One rule for all places: what one deletes no other is to send it again. A monthly or yearly full that is older than the
 * window carries the logs that it needs in itself, and keeps none.
 * @param own the source's backups of all places, each once, logs left out.
 */
export function logsRule(
  { now, timeZone }: Pick<RetentionInput, 'now' | 'timeZone'>,
  own: readonly KeptBackup[],
  { logs }: SourceRules,
): LogsRule {
  const begins = earlier(now, logs, timeZone);
  const bases = own.toSorted((a, b) => a.started - b.started);
  const base = bases.find(({ started }) => started >= begins) ?? bases.at(-1);
  if (!base) return { from: null, reason: { code: 'window', text: 'there is no backup that they could lead on from' } };
  const text = `they lead on from ${base.reference} (${localTime(base.started, timeZone)}), the oldest backup in the last ${formatPeriod(logs)}`;
  return { from: base.started - SPARE, reason: { code: 'window', text } };
}

/** @param logs of one source at one place, in the order of their positions: what is kept has no hole. */
export function oldLogs(logs: readonly KeptBackup[], { from }: LogsRule): ReadonlySet<KeptBackup> {
  if (from === null) return new Set();
  const first = logs.findIndex(({ finished }) => finished >= from);
  // The last ones stay in any case: what is shipped next follows on them.
  return new Set(logs.slice(0, first < 0 ? -1 : first));
}
