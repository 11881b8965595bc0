/** `schedules apply`: the timetable of the config, the difference to what Temporal has, and the change. */
import { configError, readConfig } from '../../../activities/config/load.ts';
import type { Site } from '../../../activities/site.ts';
import type { SiteConfig } from '../../../model/config/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { applyChanges, plannedChanges } from '../../schedules/apply.ts';
import { inWords, type Change } from '../../schedules/difference.ts';
import { rememberHere } from '../../schedules/since.ts';
import { timetableWarnings, timesInWords, timetable } from '../../schedules/timetable.ts';
import { wantedSchedules } from '../../schedules/wanted.ts';
import type { Cli } from '../context.ts';
import { table } from '../output.ts';
import { withSchedules } from './with-schedules.ts';

export async function applySchedulesCommand(cli: Cli, dryRun: boolean): Promise<void> {
  if (dryRun) {
    await preview(cli);
    return;
  }
  const site = await cli.site();
  const warnings = warned(cli, site.config);
  await withSchedules(cli, site, async (client) => {
    const changes = await plannedChanges(client, site.config);
    // Before anything is changed, so that one who reads along sees what a broken connection has cut off.
    for (const change of changes) cli.out.note(inWords(change));
    await applyChanges(client, changes);
    await rememberHere(site, wantedSchedules(site.config), (text) => cli.out.note(text));
    cli.out.result({ dryRun, changes: changes.map(said), warnings }, () =>
      changes.length === 0 ? AS_WANTED : `${changes.length} schedule(s) changed`,
    );
  });
}

function warned(cli: Cli, config: SiteConfig): readonly string[] {
  const warnings = timetableWarnings(config, Date.now());
  for (const warning of warnings) cli.out.note(`warning: ${warning}`);
  return warnings;
}

const AS_WANTED = 'the schedules are as the config has them';

/**
 * The timetable is the same on every host, and told without a Temporal too, from a config that is still being written: what there is now
 * to be changed is not known then.
 */
async function preview(cli: Cli): Promise<void> {
  const file = await cli.configFile();
  const parsed = await readConfig(file, cli.env);
  if (!parsed.ok) throw configError(file, parsed.problems);
  const { timeZone } = parsed.config;
  const warnings = warned(cli, parsed.config);
  const entries = timetable(parsed.config, Date.now());

  function show(changes: readonly Change[] | null, difference: string): void {
    cli.out.result(
      { dryRun: true, timeZone, timetable: entries, changes: changes?.map(said) ?? null, warnings },
      () => {
        const rows = entries.map(({ plan, when, phases, next }) => [
          plan,
          when,
          phases,
          timesInWords(next.slice(0, 1), timeZone),
        ]);
        return `${table(['plan', 'days', 'begins', `next (${timeZone})`], rows)}\n\n${difference}`;
      },
    );
  }

  const unknown = ({ message, remedy }: BackupError) =>
    show(
      null,
      [`What would change is not known: ${message}`, ...(remedy === undefined ? [] : [`  → ${remedy}`])].join('\n'),
    );

  let site: Site;
  try {
    site = await cli.site();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    unknown(error);
    return;
  }
  try {
    await withSchedules(cli, site, async (client) => {
      const changes = await plannedChanges(client, site.config);
      show(changes, changes.length === 0 ? AS_WANTED : changes.map(inWords).join('\n'));
    });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'unreachable') throw error;
    unknown(error);
  }
}

function said(change: Change): { readonly do: Change['do']; readonly id: string } {
  return { do: change.do, id: change.do === 'remove' ? change.before.id : change.wanted.id };
}
