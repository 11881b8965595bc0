/** What was begun on this host and is not ended: restores in place, work whose process died and that nobody took up, hooks before a source or a plan. */
import { shipsLogs, leaseOf } from '../../activities/operations/ship-logs.ts';
import { readJournal, unfinishedRemedy } from '../../activities/operations/in-place/journal.ts';
import type { Site } from '../../activities/site.ts';
import { heldLease, type HeldLease } from '../../activities/storage/lease.ts';
import type { Condition } from '../../model/alert.ts';
import { hostOf } from '../../model/config/hosts.ts';
import { BackupError } from '../../model/errors.ts';
import { formatDuration } from '../../model/units.ts';
import { hooksLeftOpen } from '../backups/open-hooks.ts';
import { lookedAt, type Look } from './look.ts';

/** Milliseconds after which work that still goes on is too long: no step of a run may take a day. */
const TOO_LONG = 24 * 3_600_000;

/** Whether Temporal says that a run goes on. */
export type GoesOn = (run: string) => Promise<boolean>;

export async function lookAtUnfinished(site: Site, now: number, goesOn: GoesOn): Promise<Look> {
  const own = Object.entries(site.config.sources).filter(([name]) => hostOf(site.config, name) === site.host);
  const found = await Promise.all(
    own.map(async ([source, config]) => {
      const journal = await journalOf(site, source, now);
      if (journal) return [journal];
      const names = shipsLogs(config) ? [source, leaseOf(source)] : [source];
      return (await Promise.all(names.map((name) => leaseCondition(site, { source, name, now })))).flat();
    }),
  );
  return lookedAt(['work-unfinished'], [...found.flat(), ...(await hooksConditions(site, now, goesOn))]);
}

async function journalOf(site: Site, source: string, now: number): Promise<Condition | undefined> {
  try {
    const journal = await readJournal({ site, source });
    if (!journal) return undefined;
    const age = now - Date.parse(journal.began);
    if (age < site.config.watchdog.unfinishedAfter) return undefined;
    const paused = journal.paused?.length ? `; it has paused ${journal.paused.join(', ')}` : '';
    const message = `${source}: a restore in place is unfinished since ${formatDuration(age)} (at "${journal.step}")${paused}. No backups are made of it meanwhile.`;
    return condition(site, source, { key: source, message, remedy: unfinishedRemedy(source) });
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return condition(site, source, { key: source, message: error.message, remedy: error.remedy ?? '' });
  }
}

async function leaseCondition(
  site: Site,
  { source, name, now }: { readonly source: string; readonly name: string; readonly now: number },
): Promise<readonly Condition[]> {
  const lease = await heldLease(site.state, name);
  if (!lease || !isTooLong(lease, site.config.watchdog.unfinishedAfter, now)) return [];
  const { step, pid, since, dead, touched } = lease;
  const what = dead
    ? `${source}: ${step} was cut off about ${formatDuration(now - touched)} ago (process ${pid}), and nobody has taken it up`
    : `${source}: ${step} is at work since ${since} (process ${pid})`;
  const plan = name === source ? 'daily' : 'logs';
  const remedy = dead
    ? `mosaic-backup run ${plan} --source ${source} takes it up and cleans up; see that a worker runs.`
    : `See in the Web UI what it waits for; mosaic-backup doctor looks at the source.`;
  return [condition(site, source, { key: name, message: `${what}.`, remedy })];
}

/** Those of a plan are to be open while its run goes on. */
async function hooksConditions(site: Site, now: number, goesOn: GoesOn): Promise<readonly Condition[]> {
  const open = await hooksLeftOpen(site, now);
  const over = await Promise.all(open.map(async ({ source, run }) => source !== null || !(await goesOn(run))));
  return open
    .filter((_, index) => over[index])
    .map(({ source, key, message, remedy }) => condition(site, source, { key, message, remedy }));
}

function isTooLong({ dead, since, touched }: HeldLease, unfinishedAfter: number, now: number): boolean {
  return dead ? now - touched >= unfinishedAfter : now - Date.parse(since) >= TOO_LONG;
}

function condition(
  { host }: Site,
  source: string | null,
  { key, message, remedy }: { readonly key: string; readonly message: string; readonly remedy: string },
): Condition {
  return { alert: 'work-unfinished', key: `work-unfinished/${key}`, source, host, message, remedy, once: false };
}
