/**
 * The weekly plan: a full of every source, with the logical exports that the config wants. Its graph is the daily one's: that
 * each backup is a full goes by the tier.
 */
import type { RunReport, ScheduledInput } from '../model/run.ts';
import { dailyBackup } from './daily-backup.ts';

export function weeklyBackup(input: ScheduledInput): Promise<RunReport> {
  return dailyBackup(input);
}
