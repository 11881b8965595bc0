/** A namespace of Temporal belongs to one site: the ids of runs are plan and time alone. */
import type { Client } from '@temporalio/client';
import { BackupError } from '../../model/errors.ts';
import { ALL_SCHEDULES, schedulePrefix } from './wanted.ts';

/**
 * Two schedules of one plan would start runs of one id: whichever came second would be left out, and nobody told.
 * @throws BackupError `busy` where another site has schedules in the namespace.
 */
export async function requireOneSite(client: Client, site: string): Promise<void> {
  for await (const { scheduleId } of client.schedule.list()) {
    if (!scheduleId.startsWith(ALL_SCHEDULES) || scheduleId.startsWith(schedulePrefix(site))) continue;
    const [other = ''] = scheduleId.slice(ALL_SCHEDULES.length).split('/');
    throw new BackupError(
      'busy',
      `the site "${other}" has its schedules in this Temporal namespace, and runs of two sites at one time would be taken for one. No schedule was changed`,
      {
        remedy: `Give each site a namespace of its own (temporal.namespace). If "${other}" is gone, remove its schedules: temporal schedule delete --schedule-id ${scheduleId}`,
        facts: { other, schedule: scheduleId },
      },
    );
  }
}
