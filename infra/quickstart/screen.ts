/** The one screen at the end: each backup with size, ratio, time, copies and verdict, and where to look on. */
import type { Output } from '../../client/cli/output.ts';
import { table } from '../../client/cli/output.ts';
import { runProblems } from '../../client/runs/result.ts';
import { TEST_COLUMNS, testRows } from '../../client/runs/test-result.ts';
import { sizesRatio } from '../../model/ratio.ts';
import type { SourceReport } from '../../model/run.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';
import { HERE } from './copies-told.ts';
import type { DailyRun } from './daily.ts';
import { notLookedAt } from './not-looked-at.ts';
import { isProven, isSound, type Proof } from './prove.ts';

export interface Screen {
  readonly title: string;
  readonly run: DailyRun;
  /** Empty where nothing was to be proven. */
  readonly proofs: readonly Proof[];
  /** The restore test behind it; absent where none was made. */
  readonly tested?: DailyRun;
  /** What was compared with the source, in words, a line each. */
  readonly compared: readonly string[];
  /** Where the copies are, in words, a line each. */
  readonly places: readonly string[];
  /** Commands that go on from here, each with what it does. */
  readonly next: readonly (readonly [command: string, does: string])[];
}

const COLUMNS = ['backup', 'size', 'stored', 'ratio', 'time', 'copies', 'verdict'] as const;
const NUMBERS = ['size', 'stored', 'ratio', 'time'] as const;

export function printScreen(out: Output, screen: Screen): void {
  const { run, proofs, tested } = screen;
  const value = {
    ...run.report,
    ui: run.ui,
    milliseconds: run.milliseconds,
    proofs,
    ...(tested && { tests: tested.report.tests ?? [] }),
    proven: proofs.length > 0 && proofs.every(isProven),
  };
  out.result(value, () => screenText(out, screen));
}

function screenText(out: Output, { title, run, proofs, tested, compared, places, next }: Screen): string {
  const { report, ui, milliseconds } = run;
  const rows = report.sources.map((source) =>
    row(
      out,
      source,
      proofs.find((proof) => proof.source === source.source),
    ),
  );
  const problems = [...runProblems(report), ...proofs.flatMap(wrong)];
  const width = Math.max(0, ...next.map(([command]) => command.length));
  return [
    '',
    out.style('bold', `${title}: ${outcome(report.outcome ?? 'unfinished', formatDuration(milliseconds), proofs)}`),
    '',
    table([...COLUMNS], rows, [...NUMBERS]),
    '',
    ...compared,
    ...problems,
    ...(compared.length + problems.length > 0 ? [''] : []),
    ...(tested ? testedText(out, tested) : []),
    ...(places.length > 0 ? [...places, ''] : []),
    ...(ui ? [`The run in the Web UI  ${out.style('cyan', ui)}`, ''] : []),
    ...next.map(([command, does]) => `${command.padEnd(width)}  ${out.style('dim', does)}`),
  ].join('\n');
}

/** The restore test as it is run each month: whatever tier at whatever place has its turn. */
function testedText(out: Output, { report, milliseconds }: DailyRun): string[] {
  const { outcome: of, tests = [] } = report;
  return [
    out.style('bold', `The restore test: ${of ?? 'unfinished'} in ${formatDuration(milliseconds)}`),
    '',
    table(TEST_COLUMNS, testRows(tests), ['restored', 'in', 'checked in']),
    '',
    ...tests.flatMap(({ source, errors }) => errors.map(({ message }) => `${source}: WRONG: ${message}`)),
  ];
}

function row(out: Output, { source, captured, copies, ...report }: SourceReport, proof: Proof | undefined): string[] {
  const verdict = verdictOf(report, proof);
  const good = verdict.startsWith('proven') || verdict === 'verified';
  return [
    captured?.backup.reference ?? source,
    captured ? formatBytes(captured.plainBytes) : '',
    captured ? formatBytes(captured.bytes) : '',
    captured ? sizesRatio(captured.plainBytes, captured.bytes) : '',
    captured ? formatDuration(captured.milliseconds) : '',
    [HERE, ...copies.map(({ destination }) => destination).toSorted()].slice(captured ? 0 : 1).join(', '),
    out.style(good ? 'green' : 'red', verdict),
  ];
}

function verdictOf(
  { outcome, verified }: Pick<SourceReport, 'outcome' | 'verified'>,
  proof: Proof | undefined,
): string {
  if (proof?.found.verdict === 'failed') return 'DAMAGED';
  if (outcome !== 'complete') return outcome ?? 'unfinished';
  if (proof && isProven(proof)) return `proven (restored in ${formatDuration(proof.milliseconds)})`;
  if (proof) return 'restored, not checked';
  return verified ? 'verified' : 'not verified';
}

function outcome(of: string, took: string, proofs: readonly Proof[]): string {
  const ended = `${of} in ${took}`;
  if (!isSound(proofs)) return `${ended}, but not everything could be restored as it was`;
  if (!proofs.every(isProven)) return `${ended}, but not everything that was restored could be checked`;
  return proofs.length > 0 ? `${ended}, and proven by restoring it` : ended;
}

/** What was wrong, and what nobody could look at, for each reason once. */
function wrong({ source, found }: Proof): string[] {
  const bad = found.checks.filter(({ ok }) => !ok);
  return [
    ...bad.filter(({ compared }) => compared).map(({ name, detail }) => `${source}: WRONG: ${name}: ${detail}`),
    ...notLookedAt(found.checks).map((what) => `${source}: ${what}`),
  ];
}
