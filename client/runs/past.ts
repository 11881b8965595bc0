/** Which times that are over a run may have: one that had begun does what it lacks, and none is made up. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../activities/site.ts';
import { isWithin } from '../../activities/operations/archive/choose.ts';
import { heldLease } from '../../activities/storage/lease.ts';
import { BackupError } from '../../model/errors.ts';
import { backupPlan, type BackupPlan } from '../../model/plans.ts';
import { runId, type PlanInput } from '../../model/run.ts';
import { isDue } from '../../model/timetable/next-times.ts';
import { readOverview } from '../backups/overview.ts';
import { catchUpOf } from '../schedules/wanted.ts';
import { askedOf } from './again.ts';

/** Milliseconds: so long ago a time counts as now. Who gives a time of his own may need a few tries. */
const NOW = 3_600_000;

/**
 * Holds for what backs up sources: a server can be read as it is now and never as it was.
 * @param known opens the Temporal that serves already; null where none does.
 * @throws BackupError `refused`.
 */
export async function requireOwnTime(site: Site, input: PlanInput, known: () => Promise<Client | null>): Promise<void> {
  const plan = backupPlan(site.config, input.plan);
  if (!plan || isOfNow(plan, Date.parse(input.scheduled))) return;
  if ((await isAtWork(site, input)) || (await isKnown(site, input, known))) return;
  const left = await madeBy(site, input, plan);
  if (left === true) return;
  throw overSince(input, plan, left);
}

/** Just now, or due so short a time ago that its schedule would still begin it. */
function isOfNow({ calendar }: BackupPlan, time: number): boolean {
  const age = Date.now() - time;
  return age <= NOW || (age <= catchUpOf(calendar) && isDue(calendar, time));
}

/** An attempt of it on this host that is under way, or was cut off: Temporal may have lost the run. */
async function isAtWork({ config, state }: Site, { plan, scheduled }: PlanInput): Promise<boolean> {
  const run = `${runId(plan, scheduled)}/`;
  const held = await Promise.all(Object.keys(config.sources).map((source) => heldLease(state, source)));
  return held.some((holder) => holder?.step.startsWith(run));
}

async function isKnown(
  { config }: Site,
  { plan, scheduled }: PlanInput,
  known: () => Promise<Client | null>,
): Promise<boolean> {
  const client = await known();
  if (!client) return false;
  try {
    return (await askedOf(client, config.site, runId(plan, scheduled))) !== null;
  } finally {
    await client.connection.close();
  }
}

/**
 * Whether a place holds what the run has made, or what it archives. Else the sources of which no full is there for the archive; none
 * for a plan that archives nothing.
 */
async function madeBy(site: Site, input: PlanInput, plan: BackupPlan): Promise<true | readonly string[]> {
  const id = runId(input.plan, input.scheduled);
  const { entries, recoveryPoints } = await readOverview(site);
  if (recoveryPoints.some((point) => point.id === id)) return true;
  if (entries.some(({ backup }) => backup.manifest.run === id)) return true;
  if (plan.tier !== 'monthly') return [];
  const until = Date.parse(input.scheduled);
  const fulls = entries.filter(
    ({ backup: { manifest } }) => manifest.kind === 'full' && isWithin(Date.parse(manifest.scheduled), until),
  );
  const asked = input.sources ?? plan.sources ?? Object.keys(site.config.sources);
  const lacking = asked.filter((source) => !fulls.some((full) => full.source === source));
  return lacking.length === 0 ? true : lacking;
}

function overSince({ plan, scheduled }: PlanInput, { tier }: BackupPlan, lacking: readonly string[]): BackupError {
  const id = runId(plan, scheduled);
  const archived = lacking.length > 0 ? `, and no full from the seven days before it of ${lacking.join(', ')}` : '';
  return new BackupError(
    'refused',
    `there was no run ${id}, and none is made up for a time that is over: what a server held then can no longer be read from it, and a backup of now under that time would hide the gap. There is no recovery point and no backup of it${archived}. Nothing was changed.`,
    {
      remedy:
        tier === 'monthly'
          ? `Archive now: mosaic-backup run ${plan}. For the month of that time name the sources of which a full is there: --source.`
          : `Back up now: mosaic-backup run ${plan}. The runs that there were: mosaic-backup runs list`,
      facts: { run: id },
    },
  );
}
