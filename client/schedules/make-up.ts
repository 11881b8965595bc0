/** What is begun where Temporal has lost its data: the schedules that it had would have begun it. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../activities/site.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { BackupError } from '../../model/errors.ts';
import { runId } from '../../model/run.ts';
import { missedRuns } from '../../model/timetable/missed.ts';
import { startRun } from '../runs/start.ts';
import type { Change } from './difference.ts';
import { scheduledPlans } from './wanted.ts';

/**
 * Starts each plan's newest due run that has no recovery point, where the schedules of all had to be made. One that was in the middle
 * does only what is missing. Whatever stands in the way of it is told, and keeps nobody from coming up.
 */
export async function startMissed(
  site: Site,
  client: Client,
  changes: readonly Change[],
  note: (text: string) => void,
): Promise<void> {
  const { config } = site;
  const made = new Set(changes.map((change) => (change.do === 'create' ? change.wanted.plan : null)));
  const plans = scheduledPlans(config);
  // One that is merely new in the config was never due before.
  if (!plans.every(({ name }) => made.has(name))) return;
  try {
    const missed = missedRuns(config, plans, await recoveryPoints(site), Date.now());
    for (const { plan, scheduled } of missed) {
      await startRun(client, { site: config.site, plan, scheduled });
      note(
        `${runId(plan, scheduled)} is started: Temporal has lost its schedules (and whether they were paused), and this run left no recovery point`,
      );
    }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    note(`runs that were missed are not started: ${error.message}${error.remedy ? `\n  → ${error.remedy}` : ''}`);
  }
}

async function recoveryPoints(site: Site): Promise<readonly string[]> {
  const store = await openRepository(site);
  const ids: string[] = [];
  for await (const { key } of store.list('recovery-points'))
    ids.push(key.slice('recovery-points/'.length, -'.json'.length));
  return ids;
}
