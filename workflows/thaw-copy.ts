/**
 * A copy in cold storage becomes readable: what is frozen of it is asked for, and then waited for, for minutes or for days, by
 * durable timers. Each look asks for nothing that is asked for already, so that no death costs anything twice. A place that
 * is away in between is looked at again later; what is later than promised is an alert, and so is a wait that fails.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { StepError } from '../model/run.ts';
import { isThawed, type ThawFacts, type ThawInput, type ThawReport, type ThawWaits } from '../model/thaw.ts';
import { thawStatus } from './messages.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { thawSteps } from './steps.ts';
import { telling } from './telling-steps.ts';
import { thawDetails } from './thaw-details.ts';

export interface ThawRun extends ThawInput {
  readonly waits: ThawWaits;
  /** Looks after which the history begins anew. */
  readonly looksPerRun: number;
  /** Where an earlier part of this wait has come to. */
  readonly before?: Pick<ThawReport, 'started' | 'facts' | 'error'>;
}

export async function thawCopy(run: ThawRun): Promise<ThawReport> {
  const { waits, looksPerRun, before, ...input } = run;
  const started = before?.started ?? workflowInfo().startTime.toISOString();
  const promised = Date.parse(started) + waits.promised;
  let facts: ThawFacts | null = before?.facts ?? null;
  let error: StepError | null = before?.error ?? null;
  let outcome: ThawReport['outcome'] = null;
  let told = false;
  setHandler(thawStatus, report);

  show();
  try {
    for (let looks = 1; !(await isThere()); looks++) {
      if (looks >= looksPerRun)
        return await continueAsNew<typeof thawCopy>({ ...run, before: { started, facts, error } });
      await sleep(waits.interval);
    }
  } catch (cause) {
    if (cause instanceof ContinueAsNew) throw cause;
    outcome = isCancellation(cause) ? 'cancelled' : 'failed';
    await CancellationScope.nonCancellable(end);
    throw cause;
  }
  outcome = 'complete';
  await end();
  return report();

  /** Looks, and asks for what is frozen. */
  async function isThere(): Promise<boolean> {
    const summary = `ask ${input.destination} for what is frozen, and see what is there`;
    try {
      facts = await thawSteps(input, waits).thaw.executeWithOptions({ summary }, [{ ...input, waits }]);
      error = null;
    } catch (cause) {
      error = stepError('thaw', cause);
      // Before anything was asked for, whoever asks is told at once. Later it heals, or not.
      if (facts === null || isFinal(cause)) throw cause;
    }
    show();
    if (error === null && facts !== null && isThawed(facts)) return true;
    if (isLate()) await tell();
    return false;
  }

  async function end(): Promise<void> {
    upsertSearchAttributes([{ key: OUTCOME, value: outcome ?? '' }]);
    show();
    // An earlier part of this wait may have told it. That nobody waits any longer is told to whoever has left.
    if (outcome === 'failed' || told || before !== undefined) await tell();
  }

  /** A notifier that fails changes nothing of the wait. */
  async function tell(): Promise<void> {
    told = true;
    try {
      const summary = 'tell whoever is to know that it takes longer than promised, or no longer';
      await telling(input.site).tellThaw.executeWithOptions({ summary }, [report()]);
    } catch (cause) {
      // The step has logged why. A cancellation is thrown on.
      stepError('notify', cause);
    }
  }

  function report(): ThawReport {
    return { ...input, started, promised: new Date(promised).toISOString(), facts, error, late: isLate(), outcome };
  }

  function isLate(): boolean {
    return outcome === null && Date.now() > promised;
  }

  function show(): void {
    setCurrentDetails(thawDetails(report()));
  }
}

/** A failure that no further attempt heals. */
function isFinal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true
  );
}
