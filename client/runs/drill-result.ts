/** The result of a drill, as the command line prints it. */
import type { DrilledSource, DrillReport } from '../../model/drill/drill.ts';
import { rpoOf } from '../../model/drill/loss.ts';
import { missedBy } from '../../model/drill/objectives.ts';
import { placeInWords } from '../../model/drill/place.ts';
import { formatDuration } from '../../model/units.ts';

export const DRILL_COLUMNS = ['source', 'outcome', 'backup', 'from', 'restored in', 'RTO', 'RPO', 'probes'] as const;

/** One row for each source, and one for the whole. */
export function drillRows({ sources, outcome, rto, rpo }: DrillReport): string[][] {
  return [
    ...sources.map((source) => [
      source.source,
      source.outcome ?? '',
      backupOf(source),
      placeInWords(source),
      source.restored ? formatDuration(source.restored.milliseconds) : '',
      told(source.rto),
      told(rpoOf(source.losses)),
      source.probes.map(({ name, ok }) => `${name} ${ok ? 'ok' : 'RED'}`).join(', '),
    ]),
    ['all', outcome ?? '', '', '', '', told(rto), told(rpo), ''],
  ];
}

function backupOf({ choice }: DrilledSource): string {
  if (!choice) return '';
  return choice.at === null ? choice.backup.reference : `${choice.backup.reference}, logs to ${choice.at}`;
}

function told(milliseconds: number | null): string {
  return milliseconds === null ? '' : formatDuration(milliseconds);
}

/** What failed and what to do, what missed its objective, what was passed over; a paragraph each. */
export function drillProblems(report: DrillReport): string[] {
  const { sources, choice } = report;
  return [
    ...sources.flatMap(({ source, errors }) =>
      errors.map(
        ({ step, message, remedy }) => `${source}, ${step}: ${message}${remedy ? `\n  What to do: ${remedy}` : ''}`,
      ),
    ),
    ...(choice?.passed ?? []).map((why) => `passed over: ${why}`),
    ...sources.flatMap(({ source, restored }) =>
      (restored?.passed ?? []).map((why) => `${source}: passed over: ${why}`),
    ),
    ...sources.flatMap(({ source, started }) =>
      started?.isolation === undefined ? [] : [`${source}: not cut off: ${started.isolation}`],
    ),
    ...missedBy(report).map(
      ({ of, objective, took, limit }) =>
        `${of ?? 'all'}: ${objective.toUpperCase()} missed: ${took === null ? 'not known' : formatDuration(took)}, and ${formatDuration(limit)} is the objective`,
    ),
  ];
}
