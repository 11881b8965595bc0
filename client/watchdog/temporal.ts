/** Temporal from outside: whether it answers, has the schedules, and has workers. */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import type { Site } from '../../activities/site.ts';
import type { AlertName, Condition } from '../../model/alert.ts';
import { coordinatorOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { connectClient } from '../runs/start.ts';
import { existingSchedules } from '../schedules/existing.ts';
import { wantedSchedules } from '../schedules/wanted.ts';
import { configuredEndpoint, embeddedEndpoint, type Endpoint } from '../temporal/endpoint.ts';
import { whyAway } from '../temporal/patiently.ts';
import { lookedAt, type Look } from './look.ts';
import type { Counted } from './memory.ts';
import { countedNow, schedulesConditions } from './schedules.ts';
import { answeredBy } from './answered-by.ts';
import { workersConditions } from './workers.ts';

export interface TemporalSeen {
  readonly look: Look;
  /** The schedules' counters for the next look: those of before where they could not be read. */
  readonly counted: Readonly<Record<string, Counted>>;
}

const SCHEDULES: readonly AlertName[] = ['schedule-missing', 'schedule-paused', 'schedule-skipping'];

interface Asked {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  readonly before: Readonly<Record<string, Counted>>;
  readonly now: number;
}

/** @throws BackupError where how it is reached is configured wrongly. */
export async function lookAtTemporal({ site, env, before, now }: Asked): Promise<TemporalSeen> {
  const until = Date.now() + site.config.watchdog.patience;
  const reached = await reach(site, env, until);
  // Whoever does not answer says nothing of schedules and workers: what was wrong with them is not over.
  if ('alert' in reached) return { look: lookedAt(['temporal-unreachable'], [reached]), counted: before };
  const { client, namespace } = reached;
  // One host for all, as with making them; the others watch the coordinator.
  const coordinates = coordinatorOf(site.config) === site.host;
  try {
    const schedules = coordinates
      ? await answeredBy(client, until, () =>
          lookAtSchedules(client, { site, before, now, patience: until - Date.now() }),
        )
      : undefined;
    const workers = await workersConditions(site, client, namespace, until);
    return {
      look: lookedAt(
        ['temporal-unreachable', 'worker-missing', ...(schedules ? SCHEDULES : [])],
        [...(schedules?.found ?? []), ...workers],
      ),
      counted: schedules?.counted ?? before,
    };
  } catch (error) {
    if (error instanceof BackupError && error.code !== 'unreachable') throw error;
    // It answered, and then no more, or not this: where its database is away it still says which namespaces it has.
    const remedy = error instanceof BackupError ? (error.remedy ?? null) : null;
    return { look: lookedAt(['temporal-unreachable'], [unreachable(site, messageOf(error), remedy)]), counted: before };
  } finally {
    await client.connection.close();
  }
}

interface AskedOfSchedules extends Omit<Asked, 'env'> {
  readonly patience: number;
}

async function lookAtSchedules(client: Client, { site, before, now, patience }: AskedOfSchedules) {
  const wanted = wantedSchedules(site.config).map(({ id }) => id);
  const listed = await existingSchedules(client, site.config.site, wanted, patience);
  const seen = { wanted, listed, before, host: site.host, now };
  const counted = countedNow(seen);
  return { counted, found: schedulesConditions(seen, counted) };
}

/** Whether a run is under way. Not, where nobody can be asked: what it has stopped stands still then, whatever becomes of it. */
export async function goesOn(site: Site, env: NodeJS.ProcessEnv, run: string): Promise<boolean> {
  const reached = await reach(site, env, Date.now() + site.config.watchdog.patience);
  if ('alert' in reached) return false;
  const { client } = reached;
  try {
    return (await client.workflow.getHandle(run).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || whyAway(error) !== undefined) return false;
    throw error;
  } finally {
    await client.connection.close();
  }
}

type Reached = { readonly client: Client; readonly namespace: string };

async function reach(site: Site, env: NodeJS.ProcessEnv, until: number): Promise<Reached | Condition> {
  for (;;) {
    // Asked for again each time: one that just starts leaves its address a little later.
    const endpoint = configuredEndpoint(site, env) ?? (await embeddedEndpoint(site));
    const found = await attempt(endpoint);
    if (!(found instanceof BackupError)) return found;
    if (Date.now() > until) return unreachable(site, found.message, found.remedy ?? null);
    await pause(500);
  }
}

async function attempt(endpoint: Endpoint | undefined): Promise<Reached | BackupError> {
  if (!endpoint)
    return new BackupError('unreachable', 'no Temporal is configured, and none runs here', {
      remedy: 'systemctl status mosaic-backup-up, and its journal; start it again ("mosaic-backup up").',
    });
  try {
    return { client: await connectClient(endpoint), namespace: endpoint.namespace };
  } catch (error) {
    if (error instanceof BackupError) return error;
    throw error;
  }
}

function unreachable({ config, host }: Site, why: string, remedy: string | null): Condition {
  return {
    alert: 'temporal-unreachable',
    key: `temporal-unreachable/${host}`,
    source: null,
    host,
    message: `Temporal cannot be used from ${host}, so that no plan of ${config.site} runs: ${why}`,
    remedy: remedy ?? 'See its log and whether its disk is full, and start it again.',
    once: false,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
