/**
 * The daily plan: databases, then applications, then the system, then configs. Each phase begins at its time, when the captures
 * of the one before have ended; copies and verification go on beside it. One source failing stops nothing else.
 */
import type { RunReport, ScheduledInput } from '../model/run.ts';
import { withRun } from './with-run.ts';

export function dailyBackup(input: ScheduledInput): Promise<RunReport> {
  return withRun(input, async (run) => {
    for (const phase of run.spec.phases) await run.capture(phase);
    await run.copied();
    await run.signRecoveryPoint();
    if (run.spec.retention) await run.retain();
  });
}
