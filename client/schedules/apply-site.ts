/** The schedules of a site that comes up. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../activities/site.ts';
import { coordinatorOf } from '../../model/config/hosts.ts';
import { applyChanges, plannedChanges } from './apply.ts';
import { inWords } from './difference.ts';

/** Makes them what the config says: what an embedded Temporal has lost is back then. One host does it for all. */
export async function applySchedules(
  { out }: { readonly out: { note(text: string): void } },
  { config, host }: Site,
  client: Client,
): Promise<void> {
  if (coordinatorOf(config) !== host) return;
  const changes = await plannedChanges(client, config);
  for (const change of changes) out.note(`schedule ${inWords(change)}`);
  await applyChanges(client, changes);
}
