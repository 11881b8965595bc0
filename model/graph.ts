/** A run as a graph of steps: what waits for what, how far each step is, and what is wrong with it. */
import type { HookTime } from './config/hooks.ts';
import type { SourceOutcome } from './recovery-point.ts';
import { sourcesByHost, type RunSpec, type SourceStep, type StepError } from './run.ts';

/** `waiting`: it failed, or its host does not answer, and it is tried again until its deadline or an operator's word. */
export const GRAPH_STATES = ['pending', 'running', 'waiting', 'done', 'failed', 'skipped'] as const;
export type GraphState = (typeof GRAPH_STATES)[number];

export interface GraphStep {
  /** Unique in its run: `postgres/copy/vault`, `recovery-point`. */
  readonly id: string;
  /** As errors name it: `copy to vault`. */
  readonly name: string;
  /** What it does, in words. */
  readonly does: string;
  /** The steps that must have ended before. */
  readonly after: readonly string[];
  readonly state: GraphState;
  readonly attempts: number;
  /** RFC 3339; null before it began, and before it ended. */
  readonly started: string | null;
  readonly ended: string | null;
  /** What it stored; null where it stores nothing, or not yet. */
  readonly bytes: number | null;
  /** Why its last attempt failed, or why it was skipped; null where neither was. */
  readonly error: StepError | null;
  /** RFC 3339, while it waits: the next attempt, and when it is given up. Before it began: the time of its phase, where that has one. */
  readonly next: string | null;
  readonly deadline: string | null;
}

/** What the query `graph` of a run gives. */
export interface RunGraph {
  readonly runId: string;
  readonly outcome: SourceOutcome | null;
  /** In the order in which they can begin. */
  readonly steps: readonly GraphStep[];
}

/** A step that has not begun. */
export function pendingStep(id: string, name: string, does: string, after: readonly string[] = []): GraphStep {
  const nothing = { started: null, ended: null, bytes: null, error: null, next: null, deadline: null };
  return { id, name, does, after, state: 'pending', attempts: 0, ...nothing };
}

/** The steps of one source in a run, in their order. @param begins RFC 3339, of its phase. */
export function sourceSteps(
  { source, host, tier, destinations, after = [], hooks = [] }: SourceStep,
  begins: string | null = null,
): readonly GraphStep[] {
  const others = after.map(captureId);
  const prepare = hooks.includes('before') ? 'run the hooks before, then ' : '';
  const captured = [captureId(source)];
  return [
    {
      ...pendingStep(captureId(source), 'capture', `${prepare}capture ${source} on ${host} (${tier})`, others),
      next: begins,
    },
    ...(hooks.includes('after')
      ? [pendingStep(hookId(source, 'after'), 'hooks after', `run the hooks after ${source}`, captured)]
      : []),
    ...destinations.map((to) => pendingStep(copyId(source, to), `copy to ${to}`, `copy ${source} to ${to}`, captured)),
    pendingStep(
      verifyId(source),
      'verify',
      `verify ${source} in the repository`,
      destinations.length > 0 ? destinations.map((to) => copyId(source, to)) : captured,
    ),
  ];
}

/** The steps that a run has besides those of its sources. */
export function runSteps({
  phases,
  retention,
  hooks = [],
}: Pick<RunSpec, 'phases' | 'retention' | 'hooks'>): readonly GraphStep[] {
  const sources = phases.flatMap(({ steps }) => steps);
  const point = pendingStep(
    RECOVERY_POINT,
    'recovery point',
    'sign the recovery point and copy it to every destination',
    sources.map(({ source }) => verifyId(source)),
  );
  const hosts = retention ? sourcesByHost(sources) : [];
  const pruned = hosts.map(({ host }) => {
    const name = hosts.length > 1 ? `retention on ${host}` : 'retention';
    return pendingStep(retentionId(host), name, `delete what is due on ${host} and at destinations`, [RECOVERY_POINT]);
  });
  const own = [point, ...pruned];
  const ids = own.map(({ id }) => id);
  const before = hooks.includes('before') ? [planHooks('before', [PLAN])] : [];
  const after = hooks.includes('after') ? [planHooks('after', ids)] : [];
  return [...before, ...own, ...after];
}

function planHooks(when: HookTime, after: readonly string[]): GraphStep {
  return pendingStep(hookId('plan', when), `hooks ${when}`, `run what is to come ${when} the plan`, after);
}

/** Whether the run waits for another one of its plan to end. */
export function waitsForTurn(steps: readonly GraphStep[]): boolean {
  return steps.some(({ id, state, error }) => id === PLAN && state === 'waiting' && error === null);
}

export const PLAN = 'plan';

/** Why a run is not planned: nobody takes what only the coordinator does. */
export const COORDINATOR_AWAY: StepError = {
  step: PLAN,
  code: 'unreachable',
  message: 'the coordinator does not answer: its worker does not run, or reaches no Temporal',
  remedy: 'Start it there ("mosaic-backup worker"): the run goes on by itself.',
};
export const RECOVERY_POINT = 'recovery-point';

export function retentionId(host: string): string {
  return `retention/${host}`;
}

/** @param of a source, or `plan`. */
export function hookId(of: string, when: HookTime): string {
  return `${of}/hooks-${when}`;
}

export function captureId(source: string): string {
  return `${source}/capture`;
}

export function copyId(source: string, destination: string): string {
  return `${source}/copy/${destination}`;
}

export function verifyId(source: string): string {
  return `${source}/verify`;
}

/** What the ids of steps begin with for which somebody gives his word; the phase follows. */
export const CONFIRM = 'confirm';

/** The phase for which a step waits until somebody confirms it; undefined where it does not. */
export function phaseAsked({ id, state }: Pick<GraphStep, 'id' | 'state'>): string | undefined {
  const [what, phase] = id.split('/');
  return what === CONFIRM && state === 'running' ? phase : undefined;
}

/** Whether a step waits: to be tried again, or for somebody's word. */
export function waits(step: GraphStep): boolean {
  return step.state === 'waiting' || phaseAsked(step) !== undefined;
}

/** The steps that an operator can retry or skip. */
export function waitingSteps(steps: readonly GraphStep[]): readonly GraphStep[] {
  return steps.filter(({ state }) => state === 'waiting');
}

/** An operator's word about a step that waits. */
export interface StepDecision {
  /** Its id; left out: all that wait. */
  readonly step?: string;
  /** Why, for the run's report. */
  readonly reason?: string;
}

/**
 * Which of the steps a decision is about, or why it is about none: the text that an operator reads.
 * @param all whether leaving the step out means all that wait.
 */
export function chosenSteps(
  steps: readonly GraphStep[],
  { step }: StepDecision,
  all: boolean,
): { readonly ids: readonly string[] } | { readonly refused: string } {
  if (waitsForTurn(steps)) return { refused: 'the run waits for its turn: it begins when the one before it has ended' };
  // Nobody can plan a run but its coordinator: there is nothing to be tried, or skipped, without it.
  const plan = waitingSteps(steps).find(({ id }) => id === PLAN);
  if (plan) return { refused: `it is not planned yet: ${plan.error?.message ?? 'it waits'}` };
  const waiting = waitingSteps(steps).map(({ id }) => id);
  const which = waiting.length > 0 ? `Waiting: ${waiting.join(', ')}.` : 'No step waits.';
  if (step === undefined) {
    if (!all) return { refused: `say which step: {"step": "…"}. ${which}` };
    return waiting.length > 0 ? { ids: waiting } : { refused: which };
  }
  if (waiting.includes(step)) return { ids: [step] };
  const found = steps.find(({ id }) => id === step);
  if (found && phaseAsked(found) !== undefined)
    return { refused: `${step} waits for somebody: mosaic-backup drill confirm. ${which}` };
  return {
    refused: found ? `${step} does not wait: it is ${found.state}. ${which}` : `there is no step ${step}. ${which}`,
  };
}
