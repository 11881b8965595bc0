/** The result of a run that shipped logs, as the command line prints it. */
import type { RunReport, SourceReport } from '../../model/run.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';

export const LOGS_COLUMNS = ['source', 'outcome', 'stored', 'time', 'covers until', 'copies', 'owed'] as const;

/** One row of the closing table for each source. */
export function logsRows({ sources }: RunReport): string[][] {
  return sources.map(({ source, outcome, state, captured, copies, logs }) => [
    source,
    outcome ?? state,
    captured ? formatBytes(captured.bytes) : logs?.shipped ? 'nothing new' : '',
    captured ? formatDuration(captured.milliseconds) : '',
    logs?.coversUntil ?? '',
    copies.map(({ destination }) => destination).join(', '),
    Object.entries(logs?.owed ?? {})
      .map(([destination, count]) => `${destination} ${count}`)
      .join(', '),
  ]);
}

/** Fulls behind holes: those that were started, and those that lack copies, in words. */
export function fullsDue({ sources }: RunReport): string[] {
  return sources.flatMap(({ source, logs }: SourceReport) => {
    if (logs?.fullOwed) {
      const by = logs.fullRun ? `; it is copied by the run ${logs.fullRun}` : '';
      return [`${source}: the full behind a hole is not at ${logs.fullOwed.join(', ')} yet${by}`];
    }
    return logs?.fullRun ? [`${source}: a full is made by the run ${logs.fullRun}`] : [];
  });
}
