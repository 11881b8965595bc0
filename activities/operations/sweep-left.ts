/** What is left of restore tests and drills that never came to their end: plaintext of whole backups, and what works on it. */
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { errnoOf } from '../storage/fs-errors.ts';
import { messageOf } from '../streams/errno.ts';
import type { Logger } from '../work.ts';
import { sweepSandboxes } from './drill/sweep.ts';
import { sweepTests } from './proof/sweep.ts';
import { sweepKilledSandboxes } from './sandbox.ts';

/** Removes it on this host. A place that cannot be looked at keeps nobody from work: it is named in the log, and swept the next time. */
export async function sweepLeft(site: Site, log: Logger): Promise<void> {
  // What still works in what is removed next.
  await sweepKilledSandboxes(site, log);
  for (const sweep of [sweepTests, sweepSandboxes]) await orWarning(sweep(site), log);
}

async function orWarning(sweeping: Promise<void>, log: Logger): Promise<void> {
  try {
    await sweeping;
  } catch (error) {
    if (!(error instanceof BackupError) && errnoOf(error) === undefined) throw error;
    const remedy = error instanceof BackupError ? (error.remedy ?? null) : null;
    log.warn({ why: messageOf(error), remedy }, 'what restore tests or drills have left could not be removed');
  }
}
