/** Which times that are over a run may have: one that had begun does what it lacks, and none is made up. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../activities/site.ts';
import { isWithin } from '../../activities/operations/archive/choose.ts';
import { heldLease } from '../../activities/storage/lease.ts';
import { BackupError } from '../../model/errors.ts';
import { backupPlan, type BackupPlan } from '../../model/plans.ts';
import { runId, type PlanInput } from '../../model/run.ts';
import { isDue } from '../../model/timetable/next-times.ts';
import { readOverview, type Overview } from '../backups/overview.ts';
import { REPOSITORY } from '../backups/places.ts';
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
  const overview = await readOverview(site);
  const id = runId(input.plan, input.scheduled);
  if (hasLeft(overview, id)) return;
  const lacking = plan.tier === 'monthly' ? lackingFulls(site, input, plan, overview) : null;
  if (lacking?.length === 0) return;
  const { places } = overview;
  const unseen = [REPOSITORY, ...Object.keys(site.config.destinations)].filter((name) => !places.includes(name));
  throw overSince(input, { id, lacking, unseen });
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

/** Whether a place holds what the run has made. */
function hasLeft({ entries, recoveryPoints }: Overview, id: string): boolean {
  return recoveryPoints.some((point) => point.id === id) || entries.some(({ backup }) => backup.manifest.run === id);
}

/** The sources of which no full is there for the archive. */
function lackingFulls(site: Site, input: PlanInput, plan: BackupPlan, { entries }: Overview): readonly string[] {
  const until = Date.parse(input.scheduled);
  const fulls = entries.filter(
    ({ backup: { manifest } }) => manifest.kind === 'full' && isWithin(Date.parse(manifest.scheduled), until),
  );
  const asked = input.sources ?? plan.sources ?? Object.keys(site.config.sources);
  return asked.filter((source) => !fulls.some((full) => full.source === source));
}

interface Missed {
  readonly id: string;
  /** Sources without a full; null for a plan that archives nothing. */
  readonly lacking: readonly string[] | null;
  /** Places that could not be looked at. */
  readonly unseen: readonly string[];
}

function overSince({ plan }: PlanInput, { id, lacking, unseen }: Missed): BackupError {
  const archived = lacking ? `, and no full from the seven days before it of ${lacking.join(', ')}` : '';
  const isSure = unseen.length === 0;
  const none = isSure ? `there was no run ${id}` : `whether there was a run ${id} cannot be told`;
  const where = isSure ? '' : ` where one could look: not at ${unseen.join(', ')}`;
  const first = isSure ? '' : `Bring ${unseen.join(', ')} back (mosaic-backup doctor), and try again. `;
  return new BackupError(
    'refused',
    `${none}, and none is made up for a time that is over: what a server held then can no longer be read from it, and a backup of now under that time would hide the gap. There is no recovery point and no backup of it${archived}${where}. Nothing was changed.`,
    {
      remedy: `${first}${
        lacking
          ? `Archive now: mosaic-backup run ${plan}. For the month of that time name the sources of which a full is there: --source.`
          : `Back up now: mosaic-backup run ${plan}. The runs that there were: mosaic-backup runs list`
      }`,
      facts: { run: id, unseen },
    },
  );
}
