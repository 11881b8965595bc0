/** What is begun where Temporal has lost its data: the schedules that it had would have begun it. */
import type { Client } from '@temporalio/client';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import type { Site } from '../../activities/site.ts';
import { openRepository } from '../../activities/storage/repository.ts';
import { readRecoveryPoints } from '../../activities/storage/recovery-points.ts';
import type { Store } from '../../activities/storage/types.ts';
import { BackupError } from '../../model/errors.ts';
import { runId } from '../../model/run.ts';
import { livedSince, missedRuns, type Scheduled } from '../../model/timetable/missed.ts';
import { startRun } from '../runs/start.ts';
import type { Change } from './difference.ts';
import { readScheduled, sinceOf } from './since.ts';
import { scheduledPlans, type Schedule } from './wanted.ts';

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
  const made = new Map(
    changes.flatMap((change) => (change.do === 'create' ? [[change.wanted.plan, change.wanted] as const] : [])),
  );
  // One that is merely new in the config was never due before.
  if (!scheduledPlans(site.config).every(({ name }) => made.has(name))) return;
  try {
    const store = await openRepository(site);
    const ids = await pointIds(store);
    const lost = await lostPlans(site, store, made);
    if (lost.length === 0) {
      if (ids.size > 0) note(NOTHING_TELLS);
      return;
    }
    note(LOST);
    for (const { plan, scheduled } of missedRuns(lost, ids, Date.now())) {
      await startRun(client, { site: site.config.site, plan, scheduled });
      note(`${runId(plan, scheduled)} is started: it was due, and left no recovery point`);
    }
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    note(`runs that were missed are not started: ${error.message}${error.remedy ? `\n  → ${error.remedy}` : ''}`);
  }
}

const LOST = 'Temporal has lost its schedules, and with them whether they were paused: they are made again';
const NOTHING_TELLS =
  'nothing tells since when there were schedules: what was due before now is not made up ("run daily" backs up now)';

/** The plans that had a schedule, and since when: as state remembers it, else as recovery points tell. */
async function lostPlans(site: Site, store: Store, made: ReadonlyMap<string, Schedule>): Promise<readonly Scheduled[]> {
  const plans = scheduledPlans(site.config);
  const remembered = await readScheduled(site.state);
  const lived = remembered ? undefined : await livedByPoints(site, store);
  return plans.flatMap((plan) => {
    const schedule = made.get(plan.name);
    const since = remembered && schedule ? sinceOf(remembered, schedule) : lived;
    return since === undefined ? [] : [{ plan, since }];
  });
}

async function livedByPoints(site: Site, store: Store): Promise<number | undefined> {
  const { read } = await readRecoveryPoints(store, await trustedKeys(site));
  return livedSince(site.config, read);
}

async function pointIds(store: Store): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const { key } of store.list('recovery-points'))
    ids.add(key.slice('recovery-points/'.length, -'.json'.length));
  return ids;
}
