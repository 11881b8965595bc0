/** The graph of a run, live: what the run knows, with the steps of each source that goes on as its own workflow has them. */
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import { CONFIRM, PLAN, type GraphStep, type RunGraph } from '../../model/graph.ts';
import { runGraph } from '../../workflows/messages.ts';
import { unplanned, type Unplanned } from './unplanned.ts';
import { stepProgress } from './watch.ts';

export interface LiveGraph extends RunGraph {
  /** `running`, how it ended, or `canceled`, `terminated`, `failed`, `timed_out` as Temporal has it. */
  readonly state: string;
}

/**
 * Null where this Temporal has no such run.
 * @throws BackupError `unreachable` where no worker answers, since a graph is asked of the workflow itself; `not-found` where it is
 * no run that has one.
 */
export async function readGraph(client: Client, run: string): Promise<LiveGraph | null> {
  const graph = await queryGraph(client, run);
  if (graph === null) return null;
  const description = await client.workflow.getHandle(run).describe();
  const { status } = description;
  const state = status.name === 'RUNNING' ? 'running' : (graph.outcome ?? status.name.toLowerCase());
  // Cancelled, it may have heard nothing of how far its sources had come.
  const isAsked = (step: GraphStep): boolean =>
    isUnfinished(step) || (status.name === 'CANCELLED' && step.state === 'skipped');
  const asked = [...new Set(graph.steps.filter(isAsked).flatMap(({ id }) => sourceOf(id) ?? []))];
  const live = await Promise.all(asked.map((source) => liveSteps(client, `${run}/${source}`)));
  // Run again, a run finds the workflows of its sources as they were the last time, until it begins them anew.
  const began = graph.steps.find(({ id }) => id === 'plan')?.started ?? '';
  const own = live.flat().filter(({ started, ended }) => {
    const touched = started ?? ended;
    return touched !== null && touched >= began;
  });
  const byId = new Map(own.map((step) => [step.id, step]));
  const why = unplanned(description, Date.now());
  const steps = graph.steps.map((step) => byId.get(step.id) ?? step);
  return { ...graph, state, steps: why === null ? steps : steps.map((step) => waitingPlan(step, why)) };
}

function waitingPlan(step: GraphStep, why: Unplanned): GraphStep {
  return step.id === PLAN ? { ...step, ...why, state: 'waiting' } : step;
}

/** The steps of a source that goes on, with the bytes that those at work have moved so far. */
async function liveSteps(client: Client, workflow: string): Promise<readonly GraphStep[]> {
  const graph = await queryGraph(client, workflow);
  if (graph === null) return [];
  const { raw } = await client.workflow.getHandle(workflow).describe();
  // A step's activity has its id.
  const moved = new Map((raw.pendingActivities ?? []).map((one) => [one.activityId, stepProgress(one).bytes]));
  return graph.steps.map((step) => withBytes(step, moved.get(step.id) ?? null));
}

function withBytes(step: GraphStep, moved: number | null): GraphStep {
  return { ...step, bytes: step.bytes ?? moved };
}

async function queryGraph(client: Client, workflow: string): Promise<RunGraph | null> {
  try {
    const handle = client.workflow.getHandle(workflow);
    return await client.withDeadline(Date.now() + PATIENCE, () => handle.query(runGraph));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    if (error instanceof QueryNotRegisteredError)
      throw new BackupError('not-found', `${workflow} has no steps that could be shown`, {
        remedy: 'Only runs of plans that back up have. Its page in the Web UI says what it does.',
        cause: error,
      });
    if (isUnanswered(error))
      throw new BackupError(
        'unreachable',
        `no worker of the site answers for ${workflow}: how far it is cannot be said`,
        {
          remedy:
            'It goes on when one is back: "mosaic-backup up", or "mosaic-backup worker" on a host. "mosaic-backup watchdog --dry-run" says which are missing.',
          cause: error,
        },
      );
    throw error;
  }
}

/** So long a worker may take to answer, in milliseconds. Without an end, gRPC asks again for most of a minute. */
const PATIENCE = 8_000;

/**
 * gRPC's status codes: cancelled, as a server with much to do says of a question whose time is over; deadline exceeded; too much asked; a failed
 * precondition, where no worker has been seen for long; unavailable.
 */
const UNANSWERED: ReadonlySet<number> = new Set([1, 4, 8, 9, 14]);

function isUnanswered(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && UNANSWERED.has(cause.code);
}

function isUnfinished({ ended, state }: GraphStep): boolean {
  return ended === null && state !== 'skipped';
}

/** What the ids of steps of the run itself begin with. */
const OF_RUN: ReadonlySet<string> = new Set(['plan', 'retention', CONFIRM]);

/** The source whose step it is; undefined for a step of the run itself. */
export function sourceOf(id: string): string | undefined {
  const [source = '', what] = id.split('/');
  return what === undefined || OF_RUN.has(source) ? undefined : source;
}
