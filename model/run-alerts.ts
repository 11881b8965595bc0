/** What of a run somebody is told: a step that waits for long, and a run that did not end complete. Pure. */
import type { Condition } from './alert.ts';
import type { GraphStep } from './graph.ts';
import { planAndTime, type RunReport, type RunSpec } from './run.ts';
import { formatDuration } from './units.ts';

/** A step that waits, or that has waited and ended. */
export interface WaitingStep {
  readonly site: string;
  readonly runId: string;
  /** RFC 3339: when it first failed. */
  readonly since: string;
  readonly step: GraphStep;
  /** Null where it is of the run itself. */
  readonly source: string | null;
  readonly host: string | null;
}

/** What the keys of all alerts about steps of a run begin with. */
export function waitingKeys(runId: string): string {
  return `step-waiting/${runId}/`;
}

/**
 * Whether an alert is about a step of another run of the same plan. Runs of a plan take turns, so that other one goes on no longer,
 * whether it was cancelled, terminated or lost with Temporal: none of these could say so itself.
 */
export function isOfOtherRun(key: string, runId: string): boolean {
  const [kind, other] = key.split('/');
  return kind === 'step-waiting' && other !== runId && planOf(key) === planAndTime(runId)?.plan;
}

/** The plan whose runs an alert is about; undefined where it is about none. */
export function planOf(key: string): string | undefined {
  const [kind, of = ''] = key.split('/');
  return kind === 'run' ? of : planAndTime(of)?.plan;
}

export function waitingConditions(
  { runId, since, step, source, host }: WaitingStep,
  coordinator: string,
  now: number,
): readonly Condition[] {
  const { id, state, error, deadline } = step;
  if (state !== 'waiting' || error === null) return [];
  const age = formatDuration(Math.max(0, now - Date.parse(since)));
  const own = error.remedy === null ? '' : `${error.remedy} `;
  return [
    {
      alert: 'step-waiting',
      key: `${waitingKeys(runId)}${id}`,
      source,
      host: host ?? coordinator,
      message: `${id} of ${runId} has been failing for ${age}, and is tried again until ${deadline ?? 'its deadline'}: ${error.message}`,
      remedy: `${own}Then, or to go on without it: mosaic-backup runs retry ${runId} --step ${id} (or runs skip).`,
      once: false,
    },
  ];
}

/** What the keys of alerts about how runs of a plan ended begin with: how the next one ended takes their place. */
export function runKeys(plan: string): string {
  return `run/${plan}/`;
}

export function runConditions(
  { plan }: Pick<RunSpec, 'plan'>,
  report: RunReport,
  coordinator: string,
): readonly Condition[] {
  const { runId, outcome, sources, errors } = report;
  if (outcome === 'complete' || outcome === null) return [];
  const failed = [
    ...sources.flatMap(({ source, errors: of }) =>
      of.map(({ step, message }) => ({ what: `${source}, ${step}`, message })),
    ),
    ...errors.map(({ step, message }) => ({ what: step, message })),
  ];
  const [first] = failed;
  const more = failed.length > 1 ? ` (and ${failed.length - 1} more)` : '';
  return [
    {
      alert: outcome === 'failed' ? 'run-failed' : 'run-partial',
      key: `${runKeys(plan)}${outcome}`,
      source: null,
      host: coordinator,
      message: `${runId} ended ${outcome}${first ? `: ${first.what}: ${first.message}${more}` : ''}`,
      remedy: `mosaic-backup runs show ${runId} says what to do; then: mosaic-backup runs retry ${runId}`,
      once: false,
    },
  ];
}
