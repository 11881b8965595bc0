/** `schedules pause | resume`: for some plans or for all. */
import { BackupError } from '../../../model/errors.ts';
import { existingSchedules } from '../../schedules/existing.ts';
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
    const ids = found
      .filter(({ id, paused }) => paused !== pause && (asked.length === 0 || asked.includes(id)))
      .map(({ id }) => id);
    const command = `mosaic-backup schedules ${pause ? 'pause' : 'resume'}`;
    const schedules = pausing(client, site, note ?? command);
    await (pause ? schedules.pause(ids) : schedules.resume(ids));
    cli.out.result({ paused: pause, schedules: ids, note: note ?? null }, () => {
      const what = pause ? 'paused' : 'running again';
      return ids.length === 0 ? 'nothing to change' : `${what}: ${ids.join(', ')}`;
    });
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
