/** Starting and following a run of a plan through Temporal. */
import { Client, type WorkflowHandle } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { isDeepStrictEqual } from 'node:util';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import { runId, taskQueues, type PlanInput, type RunReport } from '../../model/run.ts';
import { PLAN, SITE } from '../../workflows/search-attributes.ts';
import { connect } from '../temporal/connect.ts';
import type { Endpoint } from '../temporal/endpoint.ts';
import { answerWithin, patiently, whyAway } from '../temporal/patiently.ts';

/** Every plan's workflow has this shape. */
type PlanWorkflow = (input: PlanInput) => Promise<RunReport>;
export type RunHandle = WorkflowHandle<PlanWorkflow>;

/** The workflow type of each plan that every site has, and what its runs do. */
export const PLANS = {
  daily: { workflowType: 'dailyBackup', does: 'daily backup' },
  weekly: { workflowType: 'weeklyBackup', does: 'weekly backup' },
  monthly: { workflowType: 'monthlyArchive', does: 'monthly archive' },
  logs: { workflowType: 'shipLogs', does: 'log shipping' },
  'catch-up': { workflowType: 'catchUp', does: 'catch-up of copies' },
  'restore-test': { workflowType: 'restoreTest', does: 'restore test' },
  drill: { workflowType: 'drDrill', does: 'disaster-recovery drill' },
} as const satisfies Record<string, PlanKind>;

interface PlanKind {
  readonly workflowType: string;
  readonly does: string;
}

/** The workflow type of all plans of the config's own. */
const CUSTOM_TYPE = 'customPlan';

/** The workflow types of all plans. */
export const PLAN_TYPES: readonly string[] = [
  ...Object.values(PLANS).map(({ workflowType }) => workflowType),
  CUSTOM_TYPE,
];

/** Of any plan; one that is none of ours is one of the config's. */
export function planKind(plan: string): PlanKind {
  return isBuiltIn(plan) ? PLANS[plan] : { workflowType: CUSTOM_TYPE, does: `backup by the plan "${plan}"` };
}

function isBuiltIn(plan: string): plan is keyof typeof PLANS {
  return Object.hasOwn(PLANS, plan);
}

/** The workflow type of rotations of keys: no plan, but a run that others on its Temporal wait for. */
export const ROTATION_TYPE = 'rotateKeys';

/** The workflow type of thaws, which are no plan either. */
export const THAW_TYPE = 'thawCopy';

/** The workflow type of restores to a folder. */
export const RESTORE_TYPE = 'restoreBackup';

/** Of restores in place. */
export const IN_PLACE_TYPE = 'restoreInPlace';

/** Of restores into a running server. */
export const INTO_TYPE = 'restoreInto';

/** And of whole recovery points. */
export const RESTORE_POINT_TYPE = 'restorePoint';

export const RESTORE_TYPES: readonly string[] = [RESTORE_TYPE, IN_PLACE_TYPE, INTO_TYPE, RESTORE_POINT_TYPE];

/** What their ids begin with: they are no runs of a plan, and have all their steps themselves. */
export const RESTORE_ID = 'restore/';

/** What the search attribute `plan` says of all. */
export const RESTORE_PLAN = 'restore';

/** @throws BackupError `config` for a plan that there is not. */
export function requirePlan({ plans }: Pick<SiteConfig, 'plans'>, plan: string): string {
  if (isBuiltIn(plan) || Object.hasOwn(plans.custom, plan)) return plan;
  throw new BackupError('config', `the site has no plan "${plan}"`, {
    remedy: `Choose: ${[...Object.keys(PLANS), ...Object.keys(plans.custom)].join(', ')}.`,
  });
}

/** @throws BackupError `unreachable`. */
export async function connectClient(endpoint: Endpoint): Promise<Client> {
  return new Client({ connection: await connect(endpoint), namespace: endpoint.namespace });
}

/**
 * Starts a run, or joins it when the same plan and time already runs. A closed one is run again: it does only what is missing.
 * @param patience milliseconds that Temporal may take until it takes it.
 * @throws BackupError `unreachable` when Temporal does not take it; `busy` when the one that runs is another site's, or of other sources: its end would say nothing of this one.
 */
export async function startRun(client: Client, input: PlanInput, patience?: number): Promise<RunHandle> {
  const id = runId(input.plan, input.scheduled);
  const asked = askedMemo(input);
  const { workflowType, does } = planKind(input.plan);
  const handle = await taken({ client, id, patience }, () =>
    client.workflow.start<PlanWorkflow>(workflowType, {
      workflowId: id,
      taskQueue: taskQueues(input.site, '').site,
      args: [input],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: [
        { key: SITE, value: input.site },
        { key: PLAN, value: input.plan },
      ],
      staticSummary: `${does} of ${input.site}, ${input.scheduled}`,
      staticDetails: input.sources ? `Only: ${input.sources.join(', ')}` : 'All sources of the plan.',
      memo: { asked },
    }),
  );
  const { memo } = await patiently(() => handle.describe());
  if (isDeepStrictEqual(memo?.['asked'], asked)) return handle;
  throw new BackupError('busy', `${id} runs already on this Temporal, for another site or other sources.`, {
    remedy:
      'Wait for its end, then run this again. Two sites on one Temporal need a namespace each (temporal.namespace).',
    facts: { run: id },
  });
}

/** Milliseconds for one answer: without an end, gRPC asks again by itself for most of a minute. */
const ANSWER = 10_000;

/** Asked twice, Temporal joins the run that it has begun by the first. */
async function taken(
  { client, id, patience }: { readonly client: Client; readonly id: string; readonly patience: number | undefined },
  start: () => Promise<RunHandle>,
): Promise<RunHandle> {
  try {
    return await patiently(() => client.withDeadline(Date.now() + answerWithin(ANSWER, patience), start), patience);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    throw new BackupError('unreachable', `Temporal did not take ${id}: ${whyAway(error.cause) ?? error.message}`, {
      remedy:
        'Look at its log, its load, and the free space where it keeps its data (the embedded one: temporal/ of state), then give the command again.',
      facts: { run: id },
      cause: error,
    });
  }
}

/** Kept with a run: of which site and sources it is, for others who ask for one of its id. */
export function askedMemo({ site, sources }: Pick<PlanInput, 'site' | 'sources'>): {
  readonly site: string;
  readonly sources: readonly string[] | null;
} {
  return { site, sources: sources?.toSorted() ?? null };
}

/** Whether some worker polls the site's queue: without one a run would wait for ever. */
export async function hasWorker(client: Client, namespace: string, site: string): Promise<boolean> {
  // Without a type it describes the queue's workflow pollers.
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueues(site, '').site },
  });
  // A poller is listed for five minutes after its last poll; a living one polls at least every minute or so.
  const recent = Date.now() - 90_000;
  return (pollers ?? []).some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1000 > recent);
}
