/** The coordinator tells whoever is named in the config how runs fare: a step that waits for long, a run that is not complete. */
import type { RunReport, RunSpec, StepError } from '../../model/run.ts';
import {
  isOfOtherRun,
  planOf,
  runConditions,
  runKeys,
  waitingConditions,
  waitingKeys,
  type WaitingStep,
} from '../../model/run-alerts.ts';
import type { Condition } from '../../model/alert.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { isDrilled } from '../../model/drill/whole.ts';
import { backupPlan } from '../../model/plans.ts';
import type { Remembered } from '../notify/memory.ts';
import { tellRemembered } from '../notify/tell-remembered.ts';
import type { Site } from '../site.ts';
import type { Work } from '../work.ts';

export interface TellRunRequest {
  readonly site: Site;
  readonly now?: number;
  readonly work: Work;
}

/** A step waits, or no longer. @returns the notifiers that failed. */
export function tellWaiting(
  request: TellRunRequest & { readonly waiting: WaitingStep },
): Promise<readonly StepError[]> {
  const { site, waiting } = request;
  const key = `${waitingKeys(waiting.runId)}${waiting.step.id}`;
  const found = waitingConditions(waiting, site.host, request.now ?? Date.now());
  return tellFound(request, waiting.runId, found, (one) => one.key === key || isOfOtherRun(one.key, waiting.runId));
}

/** A run has ended; whatever waited in it is over, and so is how the one before it ended. @returns the notifiers that failed. */
export function tellRun(
  request: TellRunRequest & { readonly spec: Pick<RunSpec, 'plan'>; readonly report: RunReport },
): Promise<readonly StepError[]> {
  const { site, spec, report } = request;
  const steps = waitingKeys(report.runId);
  // One that could not begin may have waited in vain for another, which goes on.
  const hasBegun = report.sources.length > 0;
  const isOver = ({ key }: Remembered) =>
    key.startsWith(steps) ||
    (hasBegun && isOfOtherRun(key, report.runId)) ||
    // One without an outcome was cancelled, and says nothing of how the plan fares.
    (report.outcome !== null && key.startsWith(runKeys(spec.plan)));
  return tellFound(request, report.runId, runConditions(spec, report, site.host), isOver);
}

/**
 * A run of a plan that tells by itself how it fares has begun: that the one before it could not is over, and what waited in that one;
 * and what waited in this one, where it is over itself. @returns the notifiers that failed.
 */
export function tellBegun(
  request: TellRunRequest & { readonly plan: OwnTeller; readonly runId: string; readonly isOver: boolean },
): Promise<readonly StepError[]> {
  const { plan, runId, isOver } = request;
  const ended = ({ key }: Remembered) =>
    key.startsWith(runKeys(plan)) || isOfOtherRun(key, runId) || (isOver && key.startsWith(waitingKeys(runId)));
  return tellFound(request, runId, [], ended);
}

/** Plans that back up nothing: of their runs only that one could not begin is told here, and what waits in them. */
const OWN_TELLERS = ['drill', 'restore-test'] as const;
type OwnTeller = (typeof OWN_TELLERS)[number];

function tellFound(
  { site, now, work }: TellRunRequest,
  run: string,
  found: readonly Condition[],
  lookedFor: (one: Remembered) => boolean,
): Promise<readonly StepError[]> {
  const { remindAfter } = site.config.plans.daily;
  // Of a plan that the config has no more no other run will tell.
  const isOver = (one: Remembered) => lookedFor(one) || !willTell(site.config, one.key);
  const find = () => ({ found });
  return tellRemembered({ site, teller: 'runs', run, find, lookedFor: isOver, remindAfter, now, work });
}

/** Whether another run of the plan that it is about will say how it stands. */
function willTell(config: SiteConfig, key: string): boolean {
  const of = planOf(key) ?? '';
  if (backupPlan(config, of) !== undefined) return true;
  const plan = OWN_TELLERS.find((one) => one === of);
  if (plan === undefined) return false;
  // One that was asked for may be at work where none are planned.
  if (!key.startsWith(runKeys(plan))) return true;
  return plan === 'drill' ? isDrilled(config) : config.plans.restoreTest.enabled;
}
