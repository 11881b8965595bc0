/**
 * One tick of catch-up: each destination gets what it lacks of each host's repository, all beside each other. A tick waits
 * for no destination that is away, and not for a copy that takes long: that goes on by itself, and the next tick finds it.
 */
import {
  CancellationScope,
  ParentClosePolicy,
  setCurrentDetails,
  setHandler,
  sleep,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { catchUpOutcome, deliveryId } from '../model/catch-up.ts';
import type { CatchUpSpec, Delivered, DeliveryState, DeliveryStep } from '../model/catch-up.ts';
import { runId, scheduledOf } from '../model/run.ts';
import type { PlanInput, RunReport, ScheduledInput, StepError } from '../model/run.ts';
import { deliveryDetails } from './catch-up-details.ts';
import { deliverCopies } from './deliver-copies.ts';
import { runStatus } from './messages.ts';
import { HOST, OUTCOME, PLAN, SITE } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { tickPlanning } from './steps.ts';
import { telling } from './telling-steps.ts';

/** Beyond its deadline a step may need so much of it to end a copy that is small. */
const GRACE = 1.1;

export async function catchUp(input: ScheduledInput): Promise<RunReport> {
  const scheduled = input.scheduled ?? scheduledOf(input.plan, workflowInfo().workflowId);
  // By hand it ends when nothing is owed any more; a schedule starts the next one soon.
  const byHand = input.scheduled !== undefined;
  const planned: PlanInput = { ...input, scheduled };
  const id = runId(input.plan, scheduled);
  const destinations = new Map<string, Delivered>();
  const errors: StepError[] = [];
  let outcome: RunReport['outcome'] = null;

  const report = (): RunReport => ({
    runId: id,
    outcome,
    sources: [],
    errors,
    destinations: [...destinations.values()],
  });
  setHandler(runStatus, report);

  const summary = 'read the config: which destinations there are';
  const spec = await tickPlanning(input.site).planCatchUp.executeWithOptions({ summary }, [planned]);
  for (const step of spec.steps) update(unknown(step, 'copying'));
  const running = spec.steps.map((step) => serve(spec, step));
  try {
    await Promise.all(running);
  } catch (error) {
    // Cancelled: it ends as such, once all steps have cleaned up.
    await Promise.allSettled(running);
    throw error;
  }
  outcome = catchUpOutcome([...destinations.values()]);
  if (spec.notified) await tell(spec);
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  show();
  return report();

  function update(one: Delivered): void {
    destinations.set(deliveryId(input.site, one), one);
    show();
  }

  function show(): void {
    setCurrentDetails(deliveryDetails([...destinations.values()], outcome, errors));
  }

  async function serve({ deadline, waits }: CatchUpSpec, step: DeliveryStep): Promise<void> {
    const { destination, host } = step;
    try {
      const child = await startChild(deliverCopies, {
        workflowId: deliveryId(input.site, step),
        args: [{ site: input.site, runId: id, step, deadline: byHand ? null : deadline, waits }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        typedSearchAttributes: [
          { key: SITE, value: input.site },
          { key: PLAN, value: input.plan },
          { key: HOST, value: host },
        ],
        staticSummary: `to ${destination} what it lacks of ${host}`,
      });
      const delivered = await (byHand ? child.result() : within(deadline * GRACE, child.result()));
      if (delivered) update(delivered);
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      // An earlier tick's is still at it: "copying", as it stands there already.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      update({ ...unknown(step, 'failed'), errors: [stepError(`copy to ${destination}`, cause)] });
    }
  }

  /** A notifier that fails is told in the report, and changes nothing of how the copies fared. */
  async function tell(planned: CatchUpSpec): Promise<void> {
    try {
      const summary = 'tell whoever is to know which destination is behind';
      const sent = { spec: planned, destinations: [...destinations.values()] };
      errors.push(...(await telling(input.site).tellCopies.executeWithOptions({ summary }, [sent])));
    } catch (error) {
      errors.push(stepError('notify', error));
    }
  }
}

/** Undefined where it takes longer: it goes on by itself. */
async function within<Result>(milliseconds: number, result: Promise<Result>): Promise<Result | undefined> {
  const timer = new CancellationScope();
  const late = timer.run(async () => {
    await sleep(milliseconds);
    return undefined;
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([result, late]);
  } finally {
    timer.cancel();
  }
}

function unknown(step: DeliveryStep, state: DeliveryState): Delivered {
  const { destination, host } = step;
  return {
    destination,
    host,
    state,
    copied: { backups: 0, bytes: 0, records: 0 },
    milliseconds: 0,
    behind: null,
    newest: null,
    errors: [],
  };
}
