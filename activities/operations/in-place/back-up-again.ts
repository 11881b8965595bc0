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
import { BUSY, runOf } from './run-of.ts';

export interface BackedUpAgain {
  /** The full's. */
  readonly reference: string;
  /** What is not as it should be although the full is sealed: a copy that failed, a verification. */
  readonly problems: readonly BackupError[];
}

/**
 * From then on the source can be restored to any time again, also from its destinations: without a copy of the full they
 * would go on leading to the end of what was before the restore. What fails, or is cut off by a kill, stays due, and the
 * next tick of the logs asks for it.
 * @throws BackupError when no full was sealed, or its logs cannot be shipped.
 */
export async function backUpAgain(request: InPlaceWork): Promise<BackedUpAgain> {
  return withFullDue(request, () => makeFull(request));
}

async function makeFull(request: InPlaceWork): Promise<BackedUpAgain> {
  const { site, source, work, tell } = request;
  const { config } = placeOf({ ...request, schedules: null });
  tell('making a full: until it is sealed there is no point-in-time recovery');
  // Ids are made of seconds: a backup that was taken in this one, before the restore, would be taken for this full.
  await pause(1000 - (Date.now() % 1000), undefined, { signal: work.signal });
  const run = { ...runOf(source), site, source, attempt: 1, busy: BUSY, work };
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
