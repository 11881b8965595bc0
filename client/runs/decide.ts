/** An operator's word about a run: a waiting step is tried now, or skipped; a run is cancelled. */
import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import { chosenSteps, type StepDecision } from '../../model/graph.ts';
import { readGraph, sourceOf } from './graph.ts';
import { PLAN_TYPES, RESTORE_ID, RESTORE_TYPES } from './start.ts';
import { retryStep, skipStep } from '../../workflows/messages.ts';
import { SITE } from '../../workflows/search-attributes.ts';

/**
 * Tells the workflow whose step it is: that of its source, which knows best whether it waits, or the run itself.
 * @returns what was done, in words.
 * @throws BackupError `conflict` where the step does not wait; `not-found` where no such run goes on.
 */
export async function decideOn(
  client: Client,
  run: string,
  what: 'retry' | 'skip',
  asked: StepDecision,
): Promise<string> {
  const graph = await readGraph(client, run);
  if (graph === null || graph.state !== 'running') throw noRun(run);
  const chosen = chosenSteps(graph.steps, asked, what === 'retry');
  if ('refused' in chosen) throw refused(run, chosen.refused);
  const done: string[] = [];
  for (const step of chosen.ids) done.push(await decideOne(client, run, what, { ...asked, step }));
  return done.join('\n');
}

async function decideOne(
  client: Client,
  run: string,
  what: 'retry' | 'skip',
  asked: StepDecision & { readonly step: string },
): Promise<string> {
  const update = (what === 'retry' ? retryStep : skipStep).name;
  const source = run.startsWith(RESTORE_ID) ? undefined : sourceOf(asked.step);
  const handle = client.workflow.getHandle(source === undefined ? run : `${run}/${source}`);
  try {
    return await handle.executeUpdate<string, [StepDecision]>(update, { args: [asked] });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noRun(run);
    if (error instanceof WorkflowUpdateFailedError) throw refused(run, error.cause?.message ?? error.message);
    throw error;
  }
}

function refused(run: string, why: string): BackupError {
  return new BackupError('conflict', `${run}: ${why}`, { remedy: `Look at it: mosaic-backup runs show ${run}` });
}

export interface CancelOptions {
  readonly site: string;
  /** Ends the waiting, and not the cancellation. */
  readonly signal: AbortSignal;
}

/**
 * Cancels it, and waits until its steps have cleaned up.
 * @returns whether it has ended; a run that nobody works on ends when a worker is back.
 * @throws BackupError `not-found` where it does not go on, or is no run of the site: what else Temporal runs is none of our business.
 */
export async function cancelRun(client: Client, run: string, { site, signal }: CancelOptions): Promise<boolean> {
  const handle = client.workflow.getHandle(run);
  try {
    const { status, type, typedSearchAttributes } = await handle.describe();
    const isOwn = typedSearchAttributes.get(SITE) === site && [...PLAN_TYPES, ...RESTORE_TYPES].includes(type);
    if (status.name !== 'RUNNING' || !isOwn) throw noRun(run);
    await handle.cancel();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw noRun(run);
    throw error;
  }
  // It ends as cancelled, which its result says by an error.
  return client
    .withAbortSignal(signal, () => handle.result())
    .then(
      () => true,
      () => !signal.aborted,
    );
}

function noRun(run: string): BackupError {
  return new BackupError('not-found', `no run ${run} goes on in this Temporal`, {
    remedy: 'mosaic-backup runs list names those that there are.',
    facts: { run },
  });
}
