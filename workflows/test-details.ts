/** The Markdown that operators read as "current details" of restore tests. */
import { waitingSteps, type GraphStep } from '../model/graph.ts';
import type { Outcome } from '../model/recovery-point.ts';
import type { TestReport } from '../model/restore-test.ts';
import { formatBytes, formatDuration } from '../model/units.ts';
import { inWords, isUnplanned, nextOf, waitingInWords } from './details.ts';

/** What waits or is wrong and what to do about it, then a line for each source: which backup, from where, how long, what was not compared. */
export function testDetails(
  tests: readonly TestReport[],
  steps: readonly GraphStep[],
  runId: string,
  outcome: Outcome | null = null,
): string {
  return [
    outcome === null ? (isUnplanned(steps) ? '**waiting**' : '**running**') : `**${outcome}**`,
    ...waitingSteps(steps).map((step) => `\n${waitingInWords(step, runId, nextOf(step))}`),
    ...tests.flatMap(({ source, errors }) => errors.map((error) => `\n**${source}**: ${inWords(error)}`)),
    '',
    '| source | state | backup | from | restored | in | checked in | compared |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...tests.map((test) => `| ${row(test).join(' | ')} |`),
    ...tests.flatMap(({ source, proven }) =>
      (proven?.notCompared ?? []).map((why) => `\n${source}, not compared: ${why}`),
    ),
    '\n\u00a0',
  ].join('\n');
}

function row({ source, outcome, choice, proven }: TestReport): readonly string[] {
  const measured = proven?.measured ?? null;
  return [
    source,
    outcome ?? (choice ? 'restoring' : 'pending'),
    choice?.backup.reference ?? '',
    choice ? (choice.place ?? 'repository') : '',
    measured ? formatBytes(measured.bytes) : '',
    measured ? formatDuration(measured.restore) : '',
    measured ? formatDuration(measured.check) : '',
    proven?.compared.join(', ') ?? '',
  ];
}
