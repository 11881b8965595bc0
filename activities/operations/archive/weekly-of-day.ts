/** The weekly full that stands for a daily of the same day, so that no source is read twice in one night. */
import { backupPlan } from '../../../model/plans.ts';
import { runId, type CapturedBackup } from '../../../model/run.ts';
import { localTime } from '../../../model/retention/zone.ts';
import { isDue, timesBetween } from '../../../model/timetable/next-times.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Catalogued } from '../../storage/catalogue.ts';
import { readEvidence } from '../../storage/evidence-file.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { openRepository } from '../../storage/repository.ts';
import { backupsSince } from '../behind.ts';
import { lastVerdict } from './choose.ts';
import { summary, type CaptureRequest } from '../capture.ts';
import { untilNextLook, weeklyAtWork } from './weekly-at-work.ts';

/** Milliseconds: how much older than the daily's time a weekly may be. More, and a day's data could be lost. */
const NEAR = 6 * 3_600_000;

/** Milliseconds: a weekly's step and a daily's may begin in the same moment, and then the weekly's is given the time to. */
const SAME_MOMENT = 30_000;

/** Milliseconds: clocks of hosts may differ a little. */
const MINUTE = 60_000;

/**
 * The weekly of the same day, once it is sealed: a capture of it that is under way is waited for. Null: there is none, or it failed, and the
 * daily captures itself. So it does on demand, at whatever time somebody wants a backup of now.
 * @throws BackupError `aborted` when cancelled meanwhile.
 */
export async function weeklyOfDay(request: CaptureRequest): Promise<CapturedBackup | null> {
  if (!isTimedDaily(request)) return null;
  const { source, busy, work } = request;
  const patience = Date.now() + (isWeeklyDay(request) ? Math.min(busy, SAME_MOMENT) : 0);
  for (let before: string | null = null; ;) {
    const underWay = await weeklyAtWork(request, (time) => isNear(request, time));
    // What it sealed is there before it lets go of the source.
    const sealed = underWay === null ? await sealedWeekly(request) : undefined;
    if (sealed) {
      const found = summary(sealed.manifest, Date.now(), true);
      work.log.info(
        { source, backup: found.backup.reference },
        'the weekly full of the same day stands for this daily',
      );
      return found;
    }
    if (underWay === null && Date.now() >= patience) return null;
    if (underWay !== before) work.log.info({ source, weekly: underWay }, 'waiting for the weekly capture');
    before = underWay;
    await untilNextLook(request);
  }
}

/** A daily at a time at which its plan is due: its schedule's, or made up for. */
function isTimedDaily({ site: { config }, tier, runId: run, scheduled }: CaptureRequest): boolean {
  const daily = backupPlan(config, 'daily');
  if (!daily || tier !== 'daily' || run !== runId(daily.name, scheduled)) return false;
  return isDue(daily.calendar, Date.parse(scheduled));
}

/** Whether a weekly is due shortly before the daily. */
function isWeeklyDay(request: CaptureRequest): boolean {
  const weekly = backupPlan(request.site.config, 'weekly');
  if (!weekly?.enabled) return false;
  const until = Date.parse(request.scheduled);
  return timesBetween(weekly.calendar, until - NEAR - 1, until).some((time) => isNear(request, time));
}

async function sealedWeekly(request: CaptureRequest): Promise<Catalogued | undefined> {
  const { site, source, scheduled } = request;
  const trusted = await trustedKeys(site);
  const since = new Date(Date.parse(scheduled) - NEAR - MINUTE).toISOString();
  const found = (await backupsSince({ site, source }, since))
    .filter(({ manifest }) => manifest.tier === 'weekly' && manifest.kind === 'full')
    .filter(({ manifest }) => manifestVerdict(manifest, trusted) === 'good')
    .findLast(({ manifest }) => isNear(request, Date.parse(manifest.scheduled)));
  const evidence = found ? await readEvidence(await openRepository(site), trusted, source) : [];
  // One that was damaged since stands for nothing.
  return found && lastVerdict(found, evidence) !== 'failed' ? found : undefined;
}

/** On the same day of the site's calendar, and not long before. */
function isNear({ site, scheduled }: CaptureRequest, weekly: number): boolean {
  const daily = Date.parse(scheduled);
  const day = (time: number) => localTime(time, site.config.timeZone).slice(0, 10);
  return weekly <= daily && daily - weekly <= NEAR && day(weekly) === day(daily);
}
