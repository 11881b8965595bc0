/** Runs that a schedule has started: one on demand begins beside none of the same plan. */
import type { Client } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import { runId, type PlanInput } from '../../model/run.ts';

/**
 * @param schedule id of the plan's schedule.
 * @throws BackupError `busy` while a run that it started goes on, but for the one that is asked for: that is joined.
 */
export async function requireNoScheduledRun(client: Client, schedule: string, input: PlanInput): Promise<void> {
  const query = `TemporalScheduledById = '${schedule}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    if (workflowId === runId(input.plan, input.scheduled)) continue;
    const time = workflowId.slice(input.plan.length + 1);
    throw new BackupError(
      'busy',
      `${workflowId} goes on, which the schedule of "${input.plan}" has started. Nothing was begun`,
      {
        remedy: `Follow it: mosaic-backup run ${input.plan} --at ${time}. Or wait for its end, and run this again.`,
        facts: { run: workflowId },
      },
    );
  }
}
