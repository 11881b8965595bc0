/**
 * Runs the steps of a graph: one that fails waits and is tried again, with growing pauses, until its deadline. Meanwhile it is
 * shown as waiting, with its error and what to do, and an operator can have it tried now, or skip it. That is why the workflow
 * tries again, and not Temporal's retry policy, of whose attempts a workflow hears nothing.
 */
import { CancellationScope, condition, isCancellation, patched, setHandler } from '@temporalio/workflow';
import { chosenSteps, type GraphStep, type StepDecision } from '../model/graph.ts';
import type { StepError } from '../model/run.ts';
import { wholeSeconds } from '../model/time.ts';
import { decideStep, retryStep, skipStep } from './messages.ts';
import { now } from './now.ts';
import { cancelled } from './run-reports.ts';
import { ANSWER } from './steps.ts';
import { hostIsAway, noTimeLeft, stepFailure, stillFailing, type StepFailure } from './step-error.ts';

/** One attempt, as the step's activity needs to know it. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  /** Milliseconds until the deadline of the step. */
  readonly left: number;
}

export interface StepPolicy {
  /** Milliseconds from its beginning, after which a step that fails is not tried again. */
  readonly deadline: number;
  /** Milliseconds since the epoch, after which it is not tried again whatever it had to wait for. Absent: nothing comes after it. */
  readonly by?: number | undefined;
  /** The first and the longest pause between two attempts, in milliseconds. */
  readonly retryFirst: number;
  readonly retryMax: number;
  /** Reaches its host: before each attempt, or only after one whose worker was lost. */
  readonly host?: HostOfStep;
  /** Undoes what an attempt that was begun and failed may have left: done before anything waits. */
  readonly release?: () => Promise<void>;
}

export interface HostOfStep {
  /** Null: the coordinator, whichever that is. */
  readonly name: string | null;
  readonly first: boolean;
  /** The step itself stands where the question would: where nobody took it, nobody is asked before that is shown. */
  readonly sameQueue?: boolean;
  /** What lets runs that an older version began go on without asking. */
  readonly patch?: string;
  /** Resolves when its worker answers; rejects when none did for so many milliseconds. */
  readonly reach: (milliseconds: number) => Promise<unknown>;
}

/** How a step ended. A cancellation is thrown instead. */
export type Ended<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: StepError };

export interface StepRunner {
  /** All steps as they stand. */
  steps(): readonly GraphStep[];
  run<T>(id: string, policy: StepPolicy, attempt: (at: Attempt) => Promise<T>): Promise<Ended<T>>;
  /** Notes what a step has stored. */
  stored(id: string, bytes: number): void;
  /** Steps that will not be done, since what they build on is not there. */
  leaveOut(ids: readonly string[]): void;
  /** Ends what has not ended, in a run that was cancelled: nothing of it waits any longer. Nobody is told of a change. */
  abandon(): void;
}

export interface StepRunnerOptions {
  readonly steps: readonly GraphStep[];
  /** Called after each change of a step. */
  readonly changed: (step: GraphStep) => void;
  /** Steps that other workflows do, about which this one is told an operator's word too. */
  readonly others?: {
    readonly steps: () => readonly GraphStep[];
    readonly decide: (what: Decision['do'], step: string, reason: string | undefined) => Promise<void>;
  };
}

/** So long what must be undone is tried, in milliseconds, also in a run that was cancelled, while somebody waits for its end. */
export const BRIEFLY = 60_000;

/** So long a worker that was stopped may be away before what it gave back has failed at a deadline that has passed, in milliseconds. */
const HANDOVER = 600_000;

interface Decision {
  readonly do: 'retry' | 'skip';
  readonly reason: string | undefined;
}

/** Sets the handlers of `retry` and `skip` too: one a workflow. */
export function stepRunner({ steps: planned, changed, others }: StepRunnerOptions): StepRunner {
  const steps = new Map(planned.map((step) => [step.id, step]));
  const decisions = new Map<string, Decision>();
  const own = (): readonly GraphStep[] => [...steps.values()];
  const all = (): readonly GraphStep[] => [...(others?.steps() ?? []), ...own()];

  setHandler(retryStep, (asked = {}) => decide('retry', asked), {
    validator: (asked = {}) => refuseOthers(all(), asked, true),
    description: 'Try a waiting step again now. Input: {"step": "postgres/capture"}; without a step all that wait.',
  });
  setHandler(skipStep, (asked = {}) => decide('skip', asked), {
    validator: (asked = {}) => refuseOthers(all(), asked, false),
    description: 'Skip a waiting step: the run goes on without it. Input: {"step": "postgres/capture", "reason": "…"}.',
  });
  // From the run, which has the same two, and hears only that a step has begun to wait and that it has ended. One that is just
  // being tried takes the word when it waits again.
  setHandler(decideStep, (what, { step = '', reason }) => {
    if (steps.get(step)?.ended === null) decisions.set(step, { do: what, reason });
  });

  return { steps: own, run, stored, leaveOut, abandon };

  async function decide(what: Decision['do'], asked: StepDecision): Promise<string> {
    const chosen = chosenSteps(all(), asked, what === 'retry');
    if ('refused' in chosen) return chosen.refused;
    for (const id of chosen.ids) {
      if (steps.has(id)) decisions.set(id, { do: what, reason: asked.reason });
      else await others?.decide(what, id, asked.reason);
    }
    return `${chosen.ids.join(', ')}: ${what === 'retry' ? 'tried again now' : 'skipped'}`;
  }

  /** As errors name it. */
  function nameOf(id: string): string {
    return steps.get(id)?.name ?? id;
  }

  function change(id: string, to: Partial<GraphStep>): void {
    const before = steps.get(id);
    if (!before) throw new TypeError(`there is no step ${id}`);
    const after = { ...before, ...to };
    steps.set(id, after);
    changed(after);
  }

  function stored(id: string, bytes: number): void {
    change(id, { bytes });
  }

  function leaveOut(ids: readonly string[]): void {
    for (const id of ids) change(id, { state: 'skipped', ended: now() });
  }

  function abandon(): void {
    for (const step of own()) steps.set(step.id, cancelled(step));
  }

  function end(id: string, state: GraphStep['state'], error: StepError | null): void {
    change(id, { state, error, ended: now(), next: null });
  }

  async function run<T>(id: string, policy: StepPolicy, attempt: (at: Attempt) => Promise<T>): Promise<Ended<T>> {
    const { host, deadline, retryFirst, retryMax } = policy;
    const latest = policy.by ?? Infinity;
    let until = Math.min(Date.now() + deadline, latest);
    const extend = (to: number): void => {
      until = Math.min(Math.max(until, to), latest);
      change(id, { deadline: wholeSeconds(until) });
    };
    decisions.delete(id);
    change(id, { started: now(), ended: null, error: null, deadline: wholeSeconds(until) });
    let asksHost = host?.first ?? false;
    for (let number = 0, pauses = 0, again = false; ;) {
      if (Date.now() >= latest) return failed(id, noTimeLeft(nameOf(id), steps.get(id)?.error));
      const left = Math.max(1000, until - Date.now());
      let lost = false;
      let failure: StepFailure;
      let pause = 0;
      if (asksHost && host && !(await reached(id, host, left, retryMax))) {
        failure = hostIsAway(nameOf(id), host.name);
      } else {
        const ended = await tryOnce(id, { number: (number += 1), left }, attempt);
        if ('ok' in ended) return ended;
        lost = ended.workerLost;
        asksHost = lost && (host?.patch === undefined || patched(host.patch));
        if (policy.release && ended.queued !== true) {
          change(id, { state: 'waiting', error: ended.error });
          await policy.release();
        }
        const isAway = asksHost && ended.queued === true && host?.sameQueue === true;
        if (asksHost && ended.queued && host && !isAway && (await reached(id, host, ANSWER, ANSWER))) {
          // Its host is at work for others: standing behind them is no failure, and the next turn is its own.
          asksHost = false;
          extend(Date.now() + deadline);
          continue;
        }
        if (ended.handedBack) {
          // It was at work: what a restart takes is not its fault, whatever its deadline says.
          extend(Date.now() + HANDOVER);
          continue;
        }
        failure = isAway ? hostIsAway(nameOf(id), host.name) : ended;
        pause = isAway ? 0 : Math.min(retryMax, retryFirst * 2 ** pauses++);
      }
      if (lost && !again && Date.now() + pause >= until) {
        // An attempt that lost its worker, or Temporal, has not failed by itself: however long nobody was there, it is made again.
        again = true;
        extend(Date.now() + pause + Math.min(deadline, Math.max(HANDOVER, 2 * retryMax)));
      }
      if (!failure.retryable || Date.now() + pause >= until) return failed(id, failure);
      const next = pause > 0 ? wholeSeconds(Date.now() + pause) : null;
      change(id, { state: 'waiting', error: failure.error, next });
      if (pause > 0) await condition(() => decisions.has(id), pause);
      const skipped = skippedBy(id);
      if (skipped) return skipped;
    }
  }

  async function tryOnce<T>(
    id: string,
    at: Attempt,
    attempt: (at: Attempt) => Promise<T>,
  ): Promise<Ended<T> | StepFailure> {
    change(id, { state: 'running', attempts: at.number, next: null });
    try {
      const value = await attempt(at);
      end(id, 'done', null);
      return { ok: true, value };
    } catch (error) {
      return stepFailure(nameOf(id), error);
    }
  }

  function failed<T>(id: string, failure: StepFailure): Ended<T> {
    const error = failure.retryable ? stillFailing(failure) : failure.error;
    end(id, 'failed', error);
    return { ok: false, error };
  }

  /** Whether the host answered in time; an operator's word ends the asking. */
  async function reached(id: string, host: HostOfStep, left: number, longest: number): Promise<boolean> {
    // Once it is known to be away, a question waits on its queue for long: whoever comes back finds it there.
    const within = Math.min(left, steps.get(id)?.state === 'waiting' ? Math.max(ANSWER, longest) : ANSWER);
    const scope = new CancellationScope();
    let answer: 'here' | 'away' | undefined;
    const asking = scope
      .run(() => host.reach(within))
      .then(
        () => void (answer = 'here'),
        (error: unknown) => {
          answer = 'away';
          // The run's own cancellation, and not that by an operator's word.
          if (isCancellation(error) && !decisions.has(id)) throw error;
        },
      );
    await Promise.race([asking, condition(() => decisions.has(id))]);
    if (answer === undefined) scope.cancel();
    await asking;
    return answer === 'here';
  }

  /** What an operator decided while it waited, if that was to skip it. */
  function skippedBy(id: string): { readonly ok: false; readonly error: StepError } | undefined {
    const decision = decisions.get(id);
    decisions.delete(id);
    if (decision?.do !== 'skip') return undefined;
    const reason = decision.reason?.trim() ?? '';
    const because = reason === '' ? '' : `: ${reason}`;
    const last = steps.get(id)?.error;
    const message = `skipped by an operator${because}${last ? ` (it had failed: ${last.message})` : ''}`;
    const error = { step: nameOf(id), code: 'skipped', message, remedy: null };
    end(id, 'skipped', error);
    return { ok: false, error };
  }
}

function refuseOthers(steps: readonly GraphStep[], asked: StepDecision, all: boolean): void {
  const chosen = chosenSteps(steps, asked, all);
  if ('refused' in chosen) throw new Error(chosen.refused);
}
