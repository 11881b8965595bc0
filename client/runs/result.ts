/** The result of a run as the command line prints it. */
import { retentionLines } from '../../model/retention/lines.ts';
import { drillProblems } from './drill-result.ts';
import { testProblems } from './test-result.ts';
import { sizesRatio } from '../../model/ratio.ts';
import type { RunReport, SourceReport, StepError } from '../../model/run.ts';
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
export function runProblems({ sources, errors, destinations = [], tests = [], drill }: RunReport): string[] {
  return [
    ...[...errors, ...destinations.flatMap((one) => one.errors)].map(inWords),
    ...sources.flatMap(problemsOf),
    ...testProblems(tests),
    ...(drill ? drillProblems(drill) : []),
  ];
}

/** What retention deleted, and what it could not; empty where nothing is to be told. */
export function runRetention({ retention = [] }: RunReport): string[] {
  return retention.flatMap(retentionLines);
}

function problemsOf({ source, errors, captured, skipped = [], softSkip }: SourceReport): string[] {
  const failures = errors.map((error) => `${source}, ${inWords(error)}`);
  const notes = (captured?.warnings ?? []).map((warning) => `${source}: ${warning}`);
  const later = skipped.map(({ destination, skipped: why }) => `${source}, copy to ${destination}: skipped, ${why}`);
  const left = softSkip === undefined ? [] : [`${source}: skipped, ${softSkip}`];
  return [...failures, ...left, ...notes, ...later];
}

function inWords({ step, message, remedy }: StepError): string {
  return `${step}: ${message}${remedy ? `\n  What to do: ${remedy}` : ''}`;
}
