/** A run between its hooks, from its beginning to its report. */
import { CancellationScope } from '@temporalio/workflow';
import type { RunReport, ScheduledInput } from '../model/run.ts';
import { beginRun, type BackupRun } from './run.ts';

/** @param plan what the run does, in its order; left out where the hooks before say so. */
export async function withRun(input: ScheduledInput, plan: (run: BackupRun) => Promise<void>): Promise<RunReport> {
  const run = await beginRun(input);
  try {
    if (await run.hooks('before')) await plan(run);
    else await reportOf(run);
  } catch (error) {
    await CancellationScope.nonCancellable(() => run.abandon());
    throw error;
  }
  await CancellationScope.nonCancellable(() => run.hooks('after'));
  return run.end();
}

/** Nothing was captured: what stands for each source is what there was. */
async function reportOf(run: BackupRun): Promise<void> {
  await run.copied();
  await run.signRecoveryPoint();
}
