/** A restore that a worker has, watched to its end by the command that asked for it. */
import type { Workflow, WorkflowResultType } from '@temporalio/common';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { followRestore, type RestoreWorkflows } from '../../restore/run.ts';
import type { Cli } from '../context.ts';

/** Says who does it, and shows how far it is. @throws BackupError as `followRestore`. */
export async function watched<Run extends RestoreWorkflows & Workflow>(
  cli: Cli,
  handle: WorkflowHandleWithFirstExecutionRunId<Run>,
  host: string,
): Promise<WorkflowResultType<Run>> {
  cli.out.note(`restored by the worker of ${host}: ${handle.workflowId}`);
  const work = await cli.work();
  return followRestore(handle, {
    signal: cli.signal,
    progress: (report) => work.progress(report),
    onFailed: (message) => cli.out.note(message),
  });
}
