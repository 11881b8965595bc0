/** The runs of a site: as Temporal has them, and as recovery points have those that Temporal has lost. */
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { PLAN_NAME } from '../../model/config/plans.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';
import { waits } from '../../model/graph.ts';
import { OUTCOME, PLAN } from '../../workflows/search-attributes.ts';
import { readGraph } from './graph.ts';
import { PLAN_TYPES, PLANS, planKind, RESTORE_PLAN, RESTORE_TYPES } from './start.ts';

export interface RunEntry {
  readonly id: string;
  readonly plan: string;
  /** `running`, `waiting`, how it ended, or `cancelled`, `terminated`. */
  readonly state: string;
  /** RFC 3339; null where only its recovery point is left. */
  readonly started: string | null;
  readonly ended: string | null;
  /** The ids of its steps that wait, to be tried again or for somebody's word. */
  readonly waiting: readonly string[];
  readonly from: 'temporal' | 'recovery point';
}

export interface RunsAsked {
  readonly site: string;
  /** Only of this plan, or of restores; else all plans that back up, and restores. */
  readonly plan: string | undefined;
  readonly limit: number;
}

/** Newest first. */
export async function listRuns(
  client: Client | null,
  points: readonly RecoveryPoint[],
  { site, plan, limit }: RunsAsked,
): Promise<readonly RunEntry[]> {
  const known = client ? await runsIn(client, { site, plan, limit }) : [];
  const ids = new Set(known.map(({ id }) => id));
  const lost = points.filter((point) => !ids.has(point.id) && (plan === undefined || point.plan === plan));
  return [...known, ...lost.map(fromPoint)]
    .toSorted((a, b) => (scheduledIn(a) < scheduledIn(b) ? 1 : -1))
    .slice(0, limit);
}

function fromPoint({ id, plan, outcome, created }: RecoveryPoint): RunEntry {
  return { id, plan, state: outcome, started: null, ended: created, waiting: [], from: 'recovery point' };
}

/** Ticks of logs and of catch-up come every few minutes: they are listed when they are asked for. */
const OFTEN: ReadonlySet<string> = new Set([PLANS.logs.workflowType, PLANS['catch-up'].workflowType]);
const BACKUP_TYPES = [...PLAN_TYPES.filter((type) => !OFTEN.has(type)), ...RESTORE_TYPES];

async function runsIn(client: Client, { site, plan, limit }: RunsAsked): Promise<readonly RunEntry[]> {
  // What is no name of a plan has no runs, and is no part of a query.
  if (plan !== undefined && !PLAN_NAME.test(plan)) return [];
  const types = plan === undefined ? BACKUP_TYPES : typesOf(plan);
  const ofPlan = plan === undefined ? '' : ` AND plan = '${plan}'`;
  const query = `site = '${site}' AND WorkflowType IN (${types.map((type) => `'${type}'`).join(', ')})${ofPlan}`;
  const found: RunEntry[] = [];
  let isAnswered = true;
  /** None where no worker answers: the list still says that it runs. Nobody is asked a second time then. */
  const waitingIn = async (id: string): Promise<readonly string[]> => {
    if (!isAnswered) return [];
    try {
      const graph = await readGraph(client, id);
      return (graph?.steps ?? []).filter(waits).map((step) => step.id);
    } catch {
      isAnswered = false;
      return [];
    }
  };
  for await (const info of client.workflow.list({ query })) {
    const entry = await entryOf(info, waitingIn);
    // Run again, a run has several executions of one id: the newest comes first.
    if (!found.some(({ id }) => id === entry.id)) found.push(entry);
    if (found.length >= limit) break;
  }
  return found;
}

/** Restores are no plan, and are asked for as one. */
function typesOf(plan: string): readonly string[] {
  const { workflowType } = planKind(plan);
  return plan === RESTORE_PLAN ? [...RESTORE_TYPES, workflowType] : [workflowType];
}

async function entryOf(
  info: WorkflowExecutionInfo,
  waitingIn: (id: string) => Promise<readonly string[]>,
): Promise<RunEntry> {
  const { workflowId: id, status, startTime, closeTime, typedSearchAttributes } = info;
  const outcome = typedSearchAttributes.get(OUTCOME);
  const waiting = status.name === 'RUNNING' ? await waitingIn(id) : [];
  return {
    id,
    plan: typedSearchAttributes.get(PLAN) ?? '',
    state: stateOf(status.name, outcome, waiting),
    started: startTime.toISOString(),
    ended: closeTime?.toISOString() ?? null,
    waiting,
    from: 'temporal',
  };
}

function stateOf(status: string, outcome: string | undefined, waiting: readonly string[]): string {
  if (status === 'RUNNING') return waiting.length > 0 ? 'waiting' : 'running';
  return status === 'COMPLETED' ? (outcome ?? 'complete') : status.toLowerCase();
}

/** The scheduled time of a run stands at the end of its id; a restore has none. */
function scheduledIn({ id, started }: RunEntry): string {
  const scheduled = id.slice(-'2026-11-23T02:00:00Z'.length);
  return scheduled.endsWith('Z') || started === null ? scheduled : started;
}
