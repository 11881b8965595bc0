/** One look of the watchdog: at Temporal, at the repository, at state; who is to know is told, and the dead man's switch fed. */
import { readMemory, writeMemory, type Memory, type Remembered } from '../../activities/notify/memory.ts';
import { tell } from '../../activities/notify/tell.ts';
import { stepFailure } from '../../activities/operations/step-failure.ts';
import type { Site } from '../../activities/site.ts';
import type { Work } from '../../activities/work.ts';
import type { Condition } from '../../model/alert.ts';
import { BackupError } from '../../model/errors.ts';
import type { StepError } from '../../model/run.ts';
import { lookAtBackups } from './backups.ts';
import { rememberConfig } from './config-memory.ts';
import { lookAtDrills } from './drills.ts';
import { look, lookedAt, together, type Look } from './look.ts';
import { readWatchdogMemory, writeWatchdogMemory, type Counted } from './memory.ts';
import { ping } from './ping.ts';
import { lookAtProofs } from './proofs.ts';
import { goesOn, lookAtTemporal } from './temporal.ts';
import { lookAtUnfinished } from './unfinished.ts';

export interface WatchRequest {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  /** Why the config cannot be read, where `site` is of the last one that could; null where it can. */
  readonly broken: BackupError | null;
  /** Looks only: tells nobody, and remembers nothing. */
  readonly dryRun: boolean;
  /** Milliseconds since the epoch. */
  readonly now?: number;
  readonly work: Work;
}

/** A finding, and since when it is known (RFC 3339). */
export interface Found extends Condition {
  readonly since: string;
}

export interface Watched {
  readonly found: readonly Found[];
  /** Whoever could not be told, and what could not be remembered. */
  readonly errors: readonly StepError[];
  /** `withheld`: something is wrong, so the dead man's switch gets nothing. */
  readonly ping: 'sent' | 'none' | 'withheld' | 'failed';
}

/** What alerts of the watchdog name in place of a run. */
const RUN = 'watchdog';

export async function watch(request: WatchRequest): Promise<Watched> {
  const { site, broken, dryRun, work } = request;
  const now = request.now ?? Date.now();
  const errors: StepError[] = [];
  const before = await orElse(() => readMemory(site.state, 'watchdog'), { fresh: {}, open: [] });
  const { seen, counted } = await lookAtAll(request, now);

  const since = new Map(before.open.filter(({ over }) => over === undefined).map((one) => [one.key, one.since]));
  const found = seen.found.map((one) => ({ ...one, since: since.get(one.key) ?? new Date(now).toISOString() }));
  if (dryRun) return { found, errors, ping: found.length > 0 ? 'withheld' : 'none' };

  const { remindAfter } = site.config.watchdog;
  const { lookedFor } = seen;
  const note = (open: readonly Remembered[]) => writeMemory(site.state, 'watchdog', { fresh: {}, open: [...open] });
  const told = await tell({
    site,
    run: RUN,
    found: seen.found,
    before: before.open,
    lookedFor,
    remindAfter,
    now,
    note,
    work,
  });
  errors.push(...told.errors);
  await attempt('remember', async () => {
    await note(told.open);
    await writeWatchdogMemory(site.state, { schedules: counted });
    if (broken === null) await rememberConfig(site);
  });
  // Whoever waits for pings is not to think that all is well while nobody else could be told that it is not.
  if (found.length > 0 || errors.length > 0) return { found, errors, ping: 'withheld' };
  const sent = await attempt('ping', () => ping(site, work.signal));
  return { found, errors, ping: sent ?? 'failed' };

  async function attempt<Result>(step: string, body: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await body();
    } catch (error) {
      if (work.signal.aborted) throw error;
      errors.push(stepFailure(site, step, error));
      return undefined;
    }
  }
}

async function lookAtAll(
  { site, env, broken }: WatchRequest,
  now: number,
): Promise<{ readonly seen: Look; readonly counted: Readonly<Record<string, Counted>> }> {
  const before = (await orElse(() => readWatchdogMemory(site.state), { schedules: {} })).schedules;
  let counted = before;
  const { host } = site;
  const looks = await Promise.all([
    Promise.resolve(lookedAt(['config-unreadable'], broken === null ? [] : [unreadable(site, broken)])),
    look('Temporal', host, async () => {
      const temporal = await lookAtTemporal({ site, env, before, now });
      ({ counted } = temporal);
      return temporal.look;
    }),
    look('the repository', host, () => lookAtBackups(site, now)),
    look('proofs', host, () => lookAtProofs(site, now)),
    look('drills', host, () => lookAtDrills(site, now)),
    look('state', host, () => lookAtUnfinished(site, now, (run) => goesOn(site, env, run))),
  ]);
  return { seen: together(looks), counted };
}

function unreadable({ host }: Site, error: BackupError): Condition {
  return {
    alert: 'config-unreadable',
    key: `config-unreadable/${host}`,
    source: null,
    host,
    message: `The config of ${host} cannot be read, so that no step is done there: ${error.message}`,
    remedy: error.remedy ?? 'mosaic-backup config check says where it is wrong.',
    once: false,
  };
}

/** What is remembered is never required: unreadable, it counts as lost, and what lasts is told once more. */
async function orElse<Value extends Memory | { readonly schedules: Readonly<Record<string, Counted>> }>(
  read: () => Promise<Value>,
  nothing: Value,
): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return nothing;
  }
}
