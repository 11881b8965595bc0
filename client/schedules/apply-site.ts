/** The schedules of a site that comes up. */
import type { Client } from '@temporalio/client';
import type { Site } from '../../activities/site.ts';
import { coordinatorOf } from '../../model/config/hosts.ts';
import { applyChanges, plannedChanges } from './apply.ts';
import { inWords } from './difference.ts';
import { startMissed } from './make-up.ts';
import { rememberHere } from './since.ts';
import { timetableWarnings } from './timetable.ts';
import { wantedSchedules } from './wanted.ts';

/**
 * Makes them what the config says: what an embedded Temporal has lost is back then, and what it would have begun is begun. One
 * host does it for all.
 */
export async function applySchedules(
  { out }: { readonly out: { note(text: string): void } },
  site: Site,
  client: Client,
): Promise<void> {
  const { config, host } = site;
  if (coordinatorOf(config) !== host) return;
  const note = (text: string): void => out.note(text);
  for (const warning of timetableWarnings(config, Date.now())) note(`warning: ${warning}`);
  const changes = await plannedChanges(client, config);
  for (const change of changes) note(`schedule ${inWords(change)}`);
  // In this order: once the schedules are there nothing tells any more that they were lost.
  await startMissed(site, client, changes, note);
  await applyChanges(client, changes);
  await rememberHere(site, wantedSchedules(config), note);
}
