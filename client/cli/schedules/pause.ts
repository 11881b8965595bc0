/** `schedules pause | resume`: for some plans or for all. */
import { BackupError } from '../../../model/errors.ts';
import { existingSchedules, type ListedSchedule } from '../../schedules/existing.ts';
import { pausing } from '../../schedules/pausing.ts';
import { scheduleId, schedulePrefix, wantedSchedules } from '../../schedules/wanted.ts';
import type { Cli } from '../context.ts';
import { withSchedules } from './with-schedules.ts';

export interface PauseOptions {
  readonly pause: boolean;
  /** Empty: all. */
  readonly plans: readonly string[];
  readonly note?: string | undefined;
}

export async function pauseSchedulesCommand(cli: Cli, { pause, plans, note }: PauseOptions): Promise<void> {
  const site = await cli.site();
  const { site: name } = site.config;
  await withSchedules(cli, site, async (client) => {
    const wanted = wantedSchedules(site.config).map(({ id }) => id);
    const found = await existingSchedules(client, name, wanted);
    const asked = plans.map((plan) => scheduleId(name, plan));
    const there = found.map(({ id }) => id);
    const unknown = asked.find((id) => !there.includes(id));
    if (unknown !== undefined) throw noSchedule(unknown, there, schedulePrefix(name));
    // Temporal leaves a schedule as it is, and says nothing, where the note of a change is empty: an unset variable is enough.
    const said = note?.trim() === '' ? undefined : note;
    const isAsked = ({ id }: ListedSchedule): boolean => asked.length === 0 || asked.includes(id);
    // Paused already, a schedule still takes another reason.
    const isNews = (one: ListedSchedule): boolean => pause && said !== undefined && one.note !== said;
    const ids = found.filter((one) => isAsked(one) && (one.paused !== pause || isNews(one))).map(({ id }) => id);
    const schedules = pausing(client, site, said ?? `mosaic-backup schedules ${pause ? 'pause' : 'resume'}`);
    await (pause ? schedules.pause(ids) : schedules.resume(ids));
    requireChanged(await existingSchedules(client, name, ids), ids, pause);
    cli.out.result({ paused: pause, schedules: ids, note: said ?? null }, () => {
      const what = pause ? 'paused' : 'running again';
      return ids.length === 0 ? 'nothing to change' : `${what}: ${ids.join(', ')}`;
    });
  });
}

/** What is said to be paused, or to run, is what Temporal says of it now. */
function requireChanged(found: readonly ListedSchedule[], ids: readonly string[], pause: boolean): void {
  const still = found.filter(({ id, paused }) => ids.includes(id) && paused !== pause).map(({ id }) => id);
  if (still.length === 0) return;
  const state = pause ? 'still runs' : 'is still paused';
  throw new BackupError('conflict', `Temporal was told, and yet ${still.join(', ')} ${state}`, {
    remedy: 'Somebody else may change it as well: see mosaic-backup schedules list, and give the command again.',
  });
}

function noSchedule(id: string, there: readonly string[], prefix: string): BackupError {
  const plans = there.map((one) => one.slice(prefix.length));
  return new BackupError(
    'not-found',
    `Temporal has no schedule of the plan "${id.slice(prefix.length)}". Nothing was changed`,
    {
      remedy:
        plans.length === 0
          ? 'Make them: mosaic-backup schedules apply'
          : `There are: ${plans.join(', ')}. "mosaic-backup schedules apply" makes those that the config wants.`,
    },
  );
}
