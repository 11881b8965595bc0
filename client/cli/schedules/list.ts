/** `schedules list`: what Temporal has, and when it starts what next. */
import { existingSchedules, type ListedSchedule } from '../../schedules/existing.ts';
import { timing } from '../../schedules/difference.ts';
import { timesInWords } from '../../schedules/timetable.ts';
import { schedulePrefix, wantedSchedules } from '../../schedules/wanted.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import { withSchedules } from './with-schedules.ts';

export async function listSchedulesCommand(cli: Cli): Promise<void> {
  const site = await cli.site();
  const { site: name, timeZone } = site.config;
  const wanted = new Set(wantedSchedules(site.config).map(({ id }) => id));

  function row({ id, schedule, paused, note, lastRun, skipped, missed }: ListedSchedule): string[] {
    const when = schedule ? timing(schedule) : 'changed by hand';
    const on = wanted.has(id) ? 'on' : 'on, and none of the config: "schedules apply" removes it';
    const state = paused ? `paused${note === null ? '' : `: ${note}`}` : on;
    return [planOf(id), when, state, lastRun ?? '', String(skipped), String(missed)];
  }

  function planOf(id: string): string {
    return id.slice(schedulePrefix(name).length);
  }

  await withSchedules(cli, site, async (client) => {
    const found = await existingSchedules(client, name, [...wanted]);
    cli.out.result({ timeZone, schedules: found }, () => {
      if (found.length === 0) return 'no schedules: "mosaic-backup schedules apply" makes those of the config';
      const next = found.map(({ id, paused, nextTimes }) => [
        planOf(id),
        paused ? 'none while it is paused' : timesInWords(nextTimes, timeZone) || 'none',
      ]);
      return [
        table(['schedule', 'when', 'state', 'last run', 'skipped', 'missed'], found.map(row), ['skipped', 'missed']),
        '',
        table(['schedule', `next runs (${timeZone})`], next),
      ].join('\n');
    });
  });
}
