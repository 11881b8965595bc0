/** Why an objective of a drill was missed, in words: what took the time, what was waited for, what failed, what was lost. Pure. */
import { wholeSeconds } from '../time.ts';
import { formatDuration } from '../units.ts';
import type { GraphStep } from '../graph.ts';
import { lossOf } from './compare.ts';
import type { DrilledSource, DrillReport, NEWEST_BY } from './drill.ts';
import { isConfirm } from './steps.ts';
import { allSteps, tookOf } from './timeline.ts';

/** So many of the slowest steps say it. */
const TOLD = 3;

/** A step that was at work, or waited for. */
export interface Timed {
  readonly id: string;
  readonly milliseconds: number;
}

/** The slowest of some steps, the slowest first. */
export function slowestOf(steps: readonly GraphStep[], count = TOLD): readonly Timed[] {
  return steps
    .flatMap((step): readonly Timed[] => {
      const milliseconds = tookOf(step);
      return milliseconds === null || milliseconds === 0 ? [] : [{ id: step.id, milliseconds }];
    })
    .toSorted((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, count);
}

/** Why the whole was back late, or never. */
export function whyLate(report: DrillReport): readonly string[] {
  if (report.rto === null) return whyNever(report);
  const path = new Set(report.criticalPath);
  const onPath = allSteps(report).filter(({ id }) => path.has(id) && id !== 'declare');
  return [
    ...slowLines(onPath, report.rto),
    ...waitLines(report),
    ...idleLine(onPath, report.rto),
    ...againLines(onPath),
  ];
}

/** Why a source was back late, or never. */
export function whySourceLate(report: DrillReport, drilled: DrilledSource): readonly string[] {
  if (drilled.rto === null) return neverOf(drilled);
  const [first] = drilled.steps;
  const began = first?.started && report.declared ? Date.parse(first.started) - Date.parse(report.declared) : 0;
  const behind = drilled.after.length > 0 ? `, when ${drilled.after.join(', ')} had to be up before` : '';
  const late = began > drilled.rto / 4 ? [`it was begun ${formatDuration(began)} after the declaration${behind}`] : [];
  return [...late, ...slowLines(drilled.steps, drilled.rto), ...againLines(drilled.steps)];
}

/** Why so much was lost of the whole: by which source. */
export function whyLost(report: DrillReport): readonly string[] {
  const unknown = report.sources.filter((one) => lossOf(one) === null).map(({ source }) => source);
  const worst = report.sources.filter((one) => lossOf(one) !== null && lossOf(one) === report.rpo);
  if (report.sources.length === 0) return ['nothing was recovered'];
  return [
    ...(unknown.length > 0 ? [`nothing is known of what was lost of ${unknown.join(', ')}`] : []),
    ...worst.flatMap((one) => whySourceLost(one).map((why) => `${one.source}: ${why}`)),
  ];
}

/** Why so much was lost of a source. */
export function whySourceLost({ losses, choice }: DrilledSource): readonly string[] {
  const [loss] = losses.toSorted((a, b) => a.milliseconds - b.milliseconds);
  if (loss === undefined) return ['it was not recovered, or nothing in it tells of its age'];
  const logs = choice === null || choice.at !== null ? [] : ['it has no logs: what came after the backup is lost'];
  return [
    `${NEWEST_WORDS[loss.by]} ${wholeSeconds(Date.parse(loss.time))}`,
    ...logs,
    ...(choice?.stale ? [STALE] : []),
  ];
}

const STALE =
  'its backup is older than the last run that had it: that had not captured it, or what it captured was passed over';

const NEWEST_WORDS: Readonly<Record<(typeof NEWEST_BY)[number], string>> = {
  canary: 'the newest row of its canary is of',
  commit: 'its last commit is of',
  backup: 'its backup was taken at',
};

function whyNever({ sources, errors, choice }: DrillReport): readonly string[] {
  const lacking = (choice?.lacking ?? []).map(({ source, why }) => `${source} was not recovered: ${why}`);
  const named = new Set(choice?.lacking.map(({ source }) => source));
  const open = sources.filter(({ source, rto }) => rto === null && !named.has(source));
  return [
    ...errors.map(({ step, message }) => `${step}: ${message}`),
    ...lacking,
    ...open.flatMap((one) => neverOf(one).map((why) => `${one.source}: ${why}`)),
  ];
}

function neverOf({ errors, probes, steps, outcome, restored }: DrilledSource): readonly string[] {
  const red = probes.filter(({ ok }) => !ok).map(({ name, detail }) => `probe ${name} is red: ${detail}`);
  const failed = errors.map(({ step, message }) => `${step}: ${message}`);
  if (red.length + failed.length > 0) return [...failed, ...red];
  const skipped = steps.find(({ state }) => state === 'skipped' || state === 'failed');
  if (skipped?.error) return [`${skipped.id}: ${skipped.error.message}`];
  if (outcome === null) return ['it is not back yet'];
  if (restored === null) return ['it was not restored'];
  return probes.length === 0 ? ['nothing was asked of it, so that nobody knows'] : ['it never was green'];
}

function slowLines(steps: readonly GraphStep[], of: number): readonly string[] {
  return slowestOf(steps)
    .filter(({ milliseconds, id }) => milliseconds >= of / 20 && !isConfirm(id))
    .map(({ id, milliseconds }) => `${id} took ${formatDuration(milliseconds)}, ${percent(milliseconds, of)} of it`);
}

function waitLines({ confirmations, rto }: DrillReport): readonly string[] {
  return confirmations.map(
    ({ phase, milliseconds }) =>
      `${formatDuration(milliseconds)}${rto ? `, ${percent(milliseconds, rto)} of it,` : ''} passed until somebody confirmed ${phase}`,
  );
}

/** Between two steps of the path nothing was at work: a worker was away, or somebody else had its turn. */
function idleLine(path: readonly GraphStep[], rto: number): readonly string[] {
  const busy = path.reduce((sum, step) => sum + (tookOf(step) ?? 0), 0);
  const idle = rto - busy;
  if (path.length === 0 || idle < rto / 20) return [];
  return [`${formatDuration(idle)}, ${percent(idle, rto)} of it, nothing of the critical path was at work`];
}

function againLines(steps: readonly GraphStep[]): readonly string[] {
  return steps
    .filter(({ attempts }) => attempts > 1)
    .map(({ id, attempts, error }) => `${id} was tried ${attempts} times${error ? `: ${error.message}` : ''}`);
}

function percent(part: number, whole: number): string {
  return `${Math.round((part / Math.max(1, whole)) * 100)} %`;
}
