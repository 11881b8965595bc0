/**
 * A restore is offered to the worker of a host: it is a run then, visible, and goes on after a kill. Where nobody begins with it soon, whoever offered it
 * does it himself. Never both: what was not begun is ended in Temporal first, and of two at one target the later one is refused (`busy`).
 */
import { isGrpcServiceError, ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import { taskQueues } from '../../model/run.ts';
import { configuredEndpoint, embeddedEndpoint } from '../temporal/endpoint.ts';
import { ensureSearchAttributes } from '../temporal/namespace.ts';
import { isPolled } from '../temporal/pollers.ts';
import { connectSoon } from './connect-soon.ts';

/** Milliseconds: for a connection and each question, until a worker must have begun, and between two looks. */
const ANSWER = 5_000;
const BEGIN = 15_000;
const LOOK = 200;

export interface Offer<Handle> {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  readonly host: string;
  /** Takes the offer back. */
  readonly signal: AbortSignal;
  readonly start: (client: Client) => Promise<Handle>;
}

/** Taken; or why not, null where no Temporal is there to be asked. */
export type Offered<Handle> =
  | { readonly taken: true; readonly handle: Handle; readonly client: Client }
  | {
      readonly taken: false;
      readonly why: string | null;
      /** Of the run that was started and has been ended. */
      readonly run?: string;
    };

/**
 * The caller closes the connection of one that was taken.
 * @throws BackupError `busy` where another restore to that target goes on there; `aborted` after ^C.
 */
export async function offer<Handle extends WorkflowHandleWithFirstExecutionRunId>(
  asked: Offer<Handle>,
): Promise<Offered<Handle>> {
  const { site, env, host } = asked;
  const queue = taskQueues(site.config.site, host).host;
  let client: Client | undefined;
  let taken = false;
  try {
    const endpoint = configuredEndpoint(site, env) ?? (await embeddedEndpoint(site));
    if (!endpoint) return { taken, why: null };
    const own = (client = await connectSoon(endpoint, ANSWER));
    const isThere = await soon(own, () => isPolled(own, endpoint.namespace, { queue, type: 'activity' }));
    if (!isThere) return { taken, why: `no worker of ${host} is there` };
    const offered = await started(own, asked, () => ensureSearchAttributes(endpoint));
    ({ taken } = offered);
    return offered;
  } catch (error) {
    if (!isOfTemporal(error)) throw error;
    return { taken: false, why: error instanceof BackupError ? error.message : 'Temporal does not answer' };
  } finally {
    if (!taken) await client?.connection.close();
  }
}

async function started<Handle extends WorkflowHandleWithFirstExecutionRunId>(
  client: Client,
  { host, signal, start }: Offer<Handle>,
  register: () => Promise<void>,
): Promise<Offered<Handle>> {
  // A start that nobody answered may have been heard: what begins later finds the target taken.
  const handle = await soon(client, async () => {
    await register();
    return start(client);
  });
  const until = Date.now() + BEGIN;
  while (Date.now() < until && !signal.aborted) {
    if (await hasBegun(client, handle)) return { taken: true, handle, client };
    await pause(LOOK, undefined, { signal }).catch(() => undefined);
  }
  try {
    // Not cancelled: that would need a worker. What is ended like this is begun by nobody any more.
    await soon(client, () => handle.terminate('no worker began with it in time: whoever asked for it does it himself'));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { taken: true, handle, client };
    if (!isOfTemporal(error)) throw error;
  }
  if (signal.aborted) throw new BackupError('aborted', 'the restore was cancelled before anybody began with it');
  const why = `the worker of ${host} has not begun with it within ${BEGIN / 1000} s: it is dead, or busy`;
  return { taken: false, why, run: handle.firstExecutionRunId };
}

/** A worker has an activity of it that does something, or it has ended. */
async function hasBegun(client: Client, handle: WorkflowHandleWithFirstExecutionRunId): Promise<boolean> {
  try {
    const { status, raw } = await soon(client, () => handle.describe());
    if (status.name !== 'RUNNING') return true;
    return (raw.pendingActivities ?? []).some(
      ({ state, activityType }) => Number(state) === STARTED && activityType?.name !== 'ping',
    );
  } catch (error) {
    if (!isOfTemporal(error)) throw error;
    // Silence is no beginning.
    return false;
  }
}

/** temporal.api.enums.v1.PendingActivityState */
const STARTED = 2;

function soon<T>(client: Client, ask: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + ANSWER, ask);
}

/** Of the connection, or of a config that leads to none: a restore must work then, too. */
function isOfTemporal(error: unknown): boolean {
  if (error instanceof BackupError) return ['unreachable', 'access-denied', 'config'].includes(error.code);
  return error instanceof ServiceError || isGrpcServiceError(error);
}
