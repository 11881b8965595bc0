/** Pausing of a site's schedules, and which of them are not. */
import { ScheduleNotFoundError, type Client } from '@temporalio/client';
import type { Schedules } from '../../activities/operations/in-place/index.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import { connectClient } from '../runs/start.ts';
import { configuredEndpoint, embeddedEndpoint } from '../temporal/endpoint.ts';
import { existingSchedules } from './existing.ts';
import { wantedSchedules } from './wanted.ts';

/** @param note why, for the Web UI; never empty: Temporal then leaves all as it is. */
export function pausing(client: Client, site: Site, note: string): Schedules {
  return {
    async running() {
      const ids = wantedSchedules(site.config).map(({ id }) => id);
      const found = await existingSchedules(client, site.config.site, ids);
      // What an earlier one has paused, and could not have run again since Temporal was away, is nobody's wish.
      return found.filter((one) => !one.paused || one.note === note).map(({ id }) => id);
    },
    pause: (ids) => each(ids, (id) => client.schedule.getHandle(id).pause(note)),
    resume: (ids) => each(ids, (id) => client.schedule.getHandle(id).unpause(note)),
  };
}

/** One that was removed meanwhile needs neither. */
async function each(ids: readonly string[], change: (id: string) => Promise<void>): Promise<void> {
  for (const id of ids) {
    try {
      await change(id);
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}

/** For the Web UI. */
const NOTE = 'mosaic-backup restore --in-place';

export interface PausingOptions {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  /** Told why, where Temporal is there and cannot be used. */
  readonly tell: (line: string) => void;
}

/** As `WithSchedules`. */
export async function withPausing<Result>(
  { site, env, tell }: PausingOptions,
  use: (schedules: Schedules | null) => Promise<Result>,
): Promise<Result> {
  const client = await reach(site, env, tell);
  try {
    return await use(client && pausing(client, site, NOTE));
  } finally {
    await client?.connection.close();
  }
}

/** A restore waits for no Temporal, and for no mistake in how it is configured. */
async function reach(site: Site, env: NodeJS.ProcessEnv, tell: PausingOptions['tell']): Promise<Client | null> {
  try {
    const endpoint = configuredEndpoint(site, env) ?? (await embeddedEndpoint(site));
    return endpoint ? await connectClient(endpoint) : null;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    tell(error.message);
    return null;
  }
}
