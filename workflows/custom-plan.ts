/** A plan of the config's own, out of the same steps: which sources, and what is made of them, is read when it begins. */
import type { RunReport, ScheduledInput } from '../model/run.ts';
import { dailyBackup } from './daily-backup.ts';

export function customPlan(input: ScheduledInput): Promise<RunReport> {
  return dailyBackup(input);
}
