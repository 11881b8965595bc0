/** The result of a run as the command line prints it. */
import { sizesRatio } from '../../model/ratio.ts';
import type { RunReport, SourceReport } from '../../model/run.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';

/** Exit status of a run: 0 complete, 3 partial, 1 failed. */
export function runExitStatus({ outcome }: RunReport): number {
  if (outcome === 'complete') return 0;
  return outcome === 'partial' ? 3 : 1;
}

export const RUN_COLUMNS = ['backup', 'outcome', 'stored', 'ratio', 'time', 'copies', 'verified'] as const;

/** One row of the closing table for each source. */
export function runRows({ sources }: RunReport): string[][] {
  return sources.map((source) => [
    source.captured?.backup.reference ?? source.source,
    source.outcome ?? source.state,
    source.captured ? formatBytes(source.captured.bytes) : '',
    source.captured ? sizesRatio(source.captured.plainBytes, source.captured.bytes) : '',
    source.captured ? formatDuration(source.captured.milliseconds) : '',
    source.copies.map(({ destination }) => destination).join(', '),
    source.verified ? 'ok' : '',
  ]);
}

/** What is wrong and what to do, a paragraph each; empty when nothing is. */
export function runProblems({ sources }: RunReport): string[] {
  return sources.flatMap(problemsOf);
}

function problemsOf({ source, errors, captured }: SourceReport): string[] {
  const failures = errors.map(
    ({ step, message, remedy }) => `${source}, ${step}: ${message}${remedy ? `\n  What to do: ${remedy}` : ''}`,
  );
  const notes = (captured?.warnings ?? []).map((warning) => `${source}: ${warning}`);
  return [...failures, ...notes];
}
