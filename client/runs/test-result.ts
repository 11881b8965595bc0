/** The result of a run of restore tests, as the command line prints it. */
import type { TestReport } from '../../model/restore-test.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';

export const TEST_COLUMNS = [
  'source',
  'outcome',
  'backup',
  'from',
  'restored',
  'in',
  'checked in',
  'compared',
] as const;

/** One row for each source. */
export function testRows(tests: readonly TestReport[]): string[][] {
  return tests.map(({ source, outcome, choice, proven }) => {
    const measured = proven?.measured ?? null;
    return [
      source,
      outcome ?? '',
      choice ? `${choice.backup.reference} (${choice.way})` : '',
      choice ? (choice.place ?? 'repository') : '',
      measured ? formatBytes(measured.bytes) : '',
      measured ? formatDuration(measured.restore) : '',
      measured ? formatDuration(measured.check) : '',
      proven?.compared.join(', ') ?? '',
    ];
  });
}

/** What failed and what to do, and what was not compared, a paragraph each. */
export function testProblems(tests: readonly TestReport[]): string[] {
  return tests.flatMap(({ source, choice, proven, errors }) => [
    ...errors.map(
      ({ step, message, remedy }) => `${source}, ${step}: ${message}${remedy ? `\n  What to do: ${remedy}` : ''}`,
    ),
    ...(choice?.passed ?? []).map((why) => `${source}: passed over: ${why}`),
    ...(proven?.notCompared ?? []).map((why) => `${source}, not compared: ${why}`),
    ...(proven?.unrecorded ? [`${source}: not on record: ${proven.unrecorded}`] : []),
  ]);
}
