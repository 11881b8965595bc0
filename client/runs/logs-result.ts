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

/** Fulls that were started because of holes, in words. */
export function fullsStarted({ sources }: RunReport): string[] {
  return sources.flatMap(({ source, logs }: SourceReport) =>
    logs?.fullRun ? [`${source}: a full is made by the run ${logs.fullRun}`] : [],
  );
}
