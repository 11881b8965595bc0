/**
 * The monthly plan: the newest full of each source that is at most a week old, or else a new one, goes to the archives, and
 * the year's first as the yearly. Its graph is the daily one's: what its steps take and where they put it goes by the tier.
 */
import type { RunReport, ScheduledInput } from '../model/run.ts';
import { dailyBackup } from './daily-backup.ts';

export function monthlyArchive(input: ScheduledInput): Promise<RunReport> {
  return dailyBackup(input);
}
