/** The first step of a source in a run: a capture, or a full that is there already: for the archive, and for a daily on the weekly's day. */
import type { CapturedBackup } from '../../../model/run.ts';
import { captureBackup, summary, type CaptureRequest } from '../capture.ts';
import { sourceConfig } from '../source-config.ts';
import { chooseForArchive, isWithin } from './choose.ts';
import { untilNextLook, weeklyAtWork } from './weekly-at-work.ts';
import { weeklyOfDay } from './weekly-of-day.ts';

/** @throws BackupError as `captureBackup`. */
export async function captureOrTake(request: CaptureRequest): Promise<CapturedBackup> {
  const { site, source, tier, scheduled, work } = request;
  if (tier !== 'monthly') return (await weeklyOfDay(request)) ?? captureBackup(request);
  const config = sourceConfig(site, source);
  const until = Date.parse(scheduled);
  // The archive comes after the weekly, also one that is late.
  while (await weeklyAtWork(request, (time) => isWithin(time, until))) await untilNextLook(request);
  const taken = await chooseForArchive({ site, source, config, scheduled });
  if (!taken) return captureBackup(request);
  const found = summary(taken.manifest, Date.now(), true);
  work.log.info({ source, backup: found.backup.reference }, 'a full of the last seven days is archived');
  return found;
}
