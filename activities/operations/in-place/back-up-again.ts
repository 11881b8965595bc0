/** The full behind a restore in place: captured, verified, and copied as that of a scheduled run is, with the logs around it. */
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import type { CapturedBackup } from '../../../model/run.ts';
import { captureBackup } from '../capture.ts';
import { copyLogs } from '../copy-logs.ts';
import { copyToDestination } from '../copy-to.ts';
import { withFullDue } from '../full-due.ts';
import { planLogs } from '../plan-logs.ts';
import { planRun } from '../plan-run.ts';
import { shipLogs, shipsLogs } from '../ship-logs.ts';
import { verifyInRepository } from '../verify-copy.ts';
import { placeOf } from './plan.ts';
import type { InPlaceWork } from './request.ts';
import { BUSY, nextSecond, runOf } from './run-of.ts';

export interface BackedUpAgain {
  /** The full's. */
  readonly reference: string;
  /** What is not as it should be although the full is sealed: a copy that failed, a verification. */
  readonly problems: readonly BackupError[];
}

/** Of which time it is, RFC 3339 with whole seconds, and the how manieth attempt at it: done twice it gives one. */
export interface FullOf {
  readonly scheduled: string;
  readonly attempt: number;
}

/**
 * From then on the source can be restored to any time again, also from its destinations: without a copy of the full they
 * would go on leading to the end of what was before the restore. What fails, or is cut off by a kill, stays due, and the
 * next tick of the logs asks for it.
 * @param as absent: as of now.
 * @throws BackupError when no full was sealed, or its logs cannot be shipped.
 */
export async function backUpAgain(request: InPlaceWork, as?: FullOf): Promise<BackedUpAgain> {
  return withFullDue(request, () => makeFull(request, as));
}

async function makeFull(request: InPlaceWork, as?: FullOf): Promise<BackedUpAgain> {
  const { site, source, work, tell } = request;
  const { config } = placeOf(request);
  tell('making a full: until it is sealed there is no point-in-time recovery');
  // Ids are made of seconds: a backup that was taken in this one, before the restore, would be taken for this full.
  const { scheduled, attempt } = as ?? { scheduled: nextSecond(), attempt: 1 };
  await pause(Math.max(0, Date.parse(scheduled) - Date.now()), undefined, { signal: work.signal });
  const run = { ...runOf(source, scheduled), site, source, attempt, busy: BUSY, work };
  // The slot keeps what is written while the full is made.
  if (shipsLogs(config)) await shipLogs(run);
  const { backup } = await captureBackup({ ...run, tier: 'daily' });
  if (shipsLogs(config)) await shipLogs({ ...run, ...runOf(source) });
  return { reference: backup.reference, problems: await lookAndCopy(request, backup, shipsLogs(config)) };
}

async function lookAndCopy(
  request: InPlaceWork,
  backup: CapturedBackup['backup'],
  logs: boolean,
): Promise<readonly BackupError[]> {
  const { site, source, work, tell } = request;
  const input = { site: site.config.site, scheduled: runOf(source).scheduled, sources: [source] };
  const full = planRun(site, { ...input, plan: 'daily' }).phases.flatMap(({ steps }) => steps);
  const shipped = logs ? planLogs(site, { ...input, plan: 'logs' }).steps : [];
  const problems: BackupError[] = [];
  for (const destination of full.flatMap(({ destinations }) => destinations)) {
    tell(`copying the full to ${destination}`);
    problems.push(...(await failureOf(request, copyToDestination({ site, backup, destination, work }))));
  }
  for (const { destinations, deadline } of shipped) {
    // What a destination lacks of the logs the next tick copies as well: that it is owed is no failure of this.
    for (const destination of destinations)
      problems.push(...(await failureOf(request, copyLogs({ site, source, destination, limit: deadline, work }))));
  }
  problems.push(...(await failureOf(request, verifyInRepository({ site, backup, work }))));
  return problems;
}

/** One destination that fails keeps no other from its copy. */
async function failureOf({ work }: InPlaceWork, step: Promise<unknown>): Promise<readonly BackupError[]> {
  try {
    await step;
    return [];
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    return [error];
  }
}
