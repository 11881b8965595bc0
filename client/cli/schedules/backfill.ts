/** `schedules backfill`: refused, since a server can be read as it is now and never as it was; with what helps instead. */
import { BackupError } from '../../../model/errors.ts';
import { backupPlan } from '../../../model/plans.ts';
import { requirePlan } from '../../runs/start.ts';
import type { Cli } from '../context.ts';

export async function backfillCommand(cli: Cli, plan: string): Promise<void> {
  const { config } = await cli.site();
  requirePlan(config, plan);
  throw new BackupError(
    'refused',
    `runs of "${plan}" are not made for times that are over: ${why(plan)}. Nothing was changed`,
    {
      remedy: remedyOf(plan, backupPlan(config, plan)?.tier === 'monthly'),
    },
  );
}

const ALWAYS_NOW: ReadonlySet<string> = new Set(['logs', 'catch-up', 'restore-test']);

function why(plan: string): string {
  if (plan === 'logs') return 'each shipping takes all that is new since the one before, however long ago that was';
  if (plan === 'catch-up') return 'each catch-up copies all that a destination lacks';
  if (plan === 'restore-test') return 'each test chooses among all backups that there are now';
  return 'what a server held then can no longer be read from it, and backups of today under the times of then would hide the gap';
}

function remedyOf(plan: string, archives: boolean): string {
  if (ALWAYS_NOW.has(plan)) return `Run it now: mosaic-backup run ${plan}`;
  const begun = `A run that had begun is completed by its own time: mosaic-backup run ${plan} --at TIME`;
  if (archives) return `${begun}. So is the archive of a month of which the repository still holds a full.`;
  return `Back up now: mosaic-backup run ${plan}. ${begun}.`;
}
