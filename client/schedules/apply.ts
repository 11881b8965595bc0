/** Makes the schedules of a site in Temporal match its config. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError, type Client, type ScheduleOptions } from '@temporalio/client';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import { PLAN, SITE } from '../../workflows/search-attributes.ts';
import { askedMemo, planKind } from '../runs/start.ts';
import { difference, type Change } from './difference.ts';
import { existingSchedules } from './existing.ts';
import { requireOneSite } from './one-site.ts';
import { specOf } from './spec.ts';
import { wantedSchedules, type Schedule } from './wanted.ts';

/** What is to be done; nothing is changed. @throws BackupError `busy` where another site has schedules there. */
export async function plannedChanges(client: Client, config: SiteConfig): Promise<readonly Change[]> {
  await requireOneSite(client, config.site);
  const wanted = wantedSchedules(config);
  const ids = wanted.map(({ id }) => id);
  return difference(wanted, await existingSchedules(client, config.site, ids));
}

/**
 * Does it. Done again it does nothing; a paused schedule stays paused.
 * @throws BackupError `config` where Temporal does not know the time zone.
 */
export async function applyChanges(client: Client, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.do === 'remove') await remove(client, change.before.id);
    else await inZone(change.wanted, () => (change.do === 'create' ? create : update)(client, change.wanted));
  }
}

/** Names of zones that this machine knows, and that which Temporal runs on does not: in small letters, or newer than its data. */
async function inZone({ calendar }: Schedule, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (!/unknown time zone/i.test(String(error))) throw error;
    const zone = calendar?.timeZone ?? '';
    throw new BackupError('config', `Temporal does not know the time zone "${zone}": no schedule was made in it`, {
      remedy: `Write timeZone as the list of zones has it (Europe/Berlin), or install tzdata where Temporal runs. Then: mosaic-backup schedules apply`,
      facts: { timeZone: zone },
      cause: error,
    });
  }
}

async function create(client: Client, wanted: Schedule): Promise<void> {
  try {
    await client.schedule.create({ scheduleId: wanted.id, ...optionsOf(wanted) });
  } catch (error) {
    // Another command was faster.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await update(client, wanted);
  }
}

async function remove(client: Client, id: string): Promise<void> {
  try {
    await client.schedule.getHandle(id).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

async function update(client: Client, wanted: Schedule): Promise<void> {
  await client.schedule.getHandle(wanted.id).update(({ state: { paused, note } }) => ({
    ...optionsOf(wanted),
    // A pause is the operator's; that it starts no more runs than so many is nothing that we know of.
    state: { paused, ...(note !== undefined && { note }) },
  }));
}

function optionsOf(schedule: Schedule) {
  const { catchUp, overlap, workflowType, workflowId, taskQueue, input } = schedule;
  const typedSearchAttributes = [
    { key: SITE, value: input.site },
    { key: PLAN, value: input.plan },
  ];
  return {
    spec: specOf(schedule),
    policies: { overlap, catchupWindow: catchUp, pauseOnFailure: false },
    typedSearchAttributes,
    action: {
      type: 'startWorkflow',
      workflowType,
      workflowId,
      taskQueue,
      args: [input],
      typedSearchAttributes,
      memo: { asked: askedMemo(input) },
      staticSummary: `${planKind(input.plan).does} of ${input.site}, by its schedule`,
    },
  } satisfies Omit<ScheduleOptions, 'scheduleId'>;
}
