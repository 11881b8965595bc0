/** `schedules remove`: takes the schedules of the site out of Temporal. */
import { applyChanges } from '../../schedules/apply.ts';
import { difference } from '../../schedules/difference.ts';
import { existingSchedules } from '../../schedules/existing.ts';
import { rememberHere } from '../../schedules/since.ts';
import { wantedSchedules } from '../../schedules/wanted.ts';
import type { Cli } from '../context.ts';
import { withSchedules } from './with-schedules.ts';

export async function removeSchedulesCommand(cli: Cli, dryRun: boolean): Promise<void> {
  const site = await cli.site();
  await withSchedules(cli, site, async (client) => {
    const wanted = wantedSchedules(site.config).map(({ id }) => id);
    const changes = difference([], await existingSchedules(client, site.config.site, wanted));
    if (!dryRun) {
      await applyChanges(client, changes);
      await rememberHere(site, [], (text) => cli.out.note(text));
    }
    const ids = changes.map((change) => (change.do === 'remove' ? change.before.id : change.wanted.id));
    cli.out.result({ dryRun, removed: ids }, () => {
      if (ids.length === 0) return 'there are no schedules of this site';
      return `${dryRun ? 'would be removed' : 'removed'}: ${ids.join(', ')}`;
    });
  });
}
