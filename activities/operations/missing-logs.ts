/**
 * Whether logs that were there are gone from the repository, or can be read no more: shipping itself looks at the newest
 * only. Looked at by each tick, in bounded steps: names of all, and manifests of what changed and of one day besides.
 */
import { createHash } from 'node:crypto';
import { BackupError } from '../../model/errors.ts';
import type { MissingLogs } from '../../model/logs-run.ts';
import { orderOf, type Manifest } from '../../model/manifest.ts';
import { rulesOf } from '../../model/retention/rules.ts';
import { earlier } from '../../model/retention/zone.ts';
import { logsOf } from '../sources/index.ts';
import { lostTimes } from '../sources/lost-times.ts';
import type { LogsAdapter } from '../sources/types.ts';
import type { Site } from '../site.ts';
import { chainOf, type Catalogued } from '../storage/catalogue.ts';
import { localLogsDays, localLogsNames, localLogsOf } from '../storage/local-logs.ts';
import { openRepository } from '../storage/repository.ts';
import type { LocalStore } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { backupsSince } from './behind.ts';
import { readSeenLogs, writeSeenLogs, type SeenDay, type SeenLogs } from './seen-logs.ts';
import { sourceConfig } from './source-config.ts';

export interface LookRequest {
  readonly site: Site;
  readonly source: string;
  /** Milliseconds since the epoch; the clock's when absent. */
  readonly now?: number;
  readonly work: Work;
}

const DAY = 86_400_000;
/** What a backup builds on may be older; logs behind it may lie under a day before it, by a clock that was wrong. */
const OLDEST_PARENT = 92 * DAY;
const MARGIN = 2 * DAY;
/** Manifests that one look reads besides those of days that have changed. A day that has more is read alone. */
const READ_AT_ONCE = 600;
/** Times that are told each by itself: what is told travels through Temporal. All later ones are told as one. */
const TOLD = 20;

/** Times that are lost, the oldest first; null while not all days have been looked at yet. */
export async function missingLogs({
  site,
  source,
  work,
  ...when
}: LookRequest): Promise<readonly MissingLogs[] | null> {
  const now = when.now ?? Date.now();
  const { type } = sourceConfig(site, source);
  const adapter = logsOf(type);
  if (!adapter) return [];
  const of = { site, source };
  const before = await readSeenLogs(of);
  const begins = windowOf(site, { source, now, before });
  const looked = await lookAtDays({ store: await openRepository(site), source, adapter, before, now, begins, work });
  const here = Object.values(looked.days).flatMap(({ runs }) => runs);
  // What ended before the oldest backup that counts, none of them leads to.
  const remembered = before.whole.filter((each) => orderOf(each) >= begins - MARGIN);
  const whole = adapter.join([...remembered, ...here], { whole: true });
  await writeSeenLogs(of, { days: looked.days, whole: [...whole], begins });
  if (!looked.complete) return null;
  const bases = (await restorable(of, begins)).filter((base) => base.type === type);
  return few(lostTimes({ bases, logs: adapter.join(here, { whole: false }), whole }));
}

/**
 * From backups since then any time is to be restored; logs of before may be gone: retention deletes them. Where they are
 * now to be kept for longer, it may have deleted them until then. What a clock that was ahead has left is not minded.
 */
function windowOf(
  { config }: Site,
  { source, now, before }: { readonly source: string; readonly now: number; readonly before: SeenLogs },
): number {
  const begins = earlier(now, rulesOf(config, source).logs, config.timeZone);
  return before.begins !== undefined && before.begins < now ? Math.max(begins, before.begins) : begins;
}

function few(lost: readonly MissingLogs[]): readonly MissingLogs[] {
  const [first, last] = [lost[TOLD - 1], lost.at(-1)];
  return first && last ? [...lost.slice(0, TOLD - 1), { from: first.from, to: last.to }] : lost;
}

interface Looking {
  readonly store: LocalStore;
  readonly source: string;
  readonly adapter: LogsAdapter;
  readonly before: SeenLogs;
  readonly now: number;
  /** When the window begins. */
  readonly begins: number;
  readonly work: Work;
}

interface LookedAt {
  readonly days: SeenLogs['days'];
  /** False where more days are to be read by the next look. */
  readonly complete: boolean;
}

/** The newest day first: it changes. Then what was never read, and last the day that was read longest ago. */
async function lookAtDays({ store, source, adapter, before, now, begins, work }: Looking): Promise<LookedAt> {
  const oldest = new Date(begins - MARGIN).toISOString().slice(0, 10);
  const days = (await localLogsDays(store, source)).filter((day) => day >= oldest);
  const found = await Promise.all(days.map((day) => namesOf(store, source, day)));
  const known = found.flatMap(({ day, names, count }) => {
    const seen = before.days[day];
    return seen?.names === names ? [{ day, names, count, seen }] : [];
  });
  const fresh = new Set(known.map(({ day }) => day));
  const seen: Record<string, SeenDay> = Object.fromEntries(known.map((each) => [each.day, each.seen]));
  const changed = found.filter(({ day }) => !fresh.has(day));
  const next = known.toSorted((a, b) => a.seen.read - b.seen.read).slice(0, 1);
  let left = READ_AT_ONCE;
  for (const { day, names, count } of [...changed, ...next]) {
    work.signal.throwIfAborted();
    if (count > left && left < READ_AT_ONCE) continue;
    left -= count;
    const runs = adapter.join(await localLogsOf(store, source, day), { whole: false });
    seen[day] = { names, read: now, runs: [...runs] };
  }
  return { days: seen, complete: days.every((day) => day in seen) };
}

interface Names {
  readonly day: string;
  /** Digest of the names of its logs. */
  readonly names: string;
  readonly count: number;
}

async function namesOf(store: LocalStore, source: string, day: string): Promise<Names> {
  const names = await localLogsNames(store, source, day);
  return { day, names: createHash('sha256').update(names.join('\n')).digest('hex'), count: names.length };
}

/** Those that are not older than logs are kept for, and have all that they build on beside them. */
async function restorable(of: Pick<LookRequest, 'site' | 'source'>, begins: number): Promise<readonly Manifest[]> {
  const all = await backupsSince(of, new Date(begins - OLDEST_PARENT).toISOString());
  return all
    .filter((each) => Date.parse(each.manifest.started) >= begins && isWhole(all, each))
    .map(({ manifest }) => manifest);
}

function isWhole(all: readonly Catalogued[], backup: Catalogued): boolean {
  try {
    return chainOf(all, backup).length > 0;
  } catch (error) {
    if (error instanceof BackupError) return false;
    throw error;
  }
}
