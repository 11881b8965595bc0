/**
 * What one destination lacks of this host's repository is copied there: the newest chain first. Bounded: at its deadline
 * no further copy is begun, one that is under way goes on, and the next tick does the rest.
 */
import { NOTHING_OWED, type Behind, type Delivered, type DeliveryState } from '../../../model/catch-up.ts';
import { newestChainsFirst } from '../../../model/chain-order.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { StepError } from '../../../model/run.ts';
import { openingOf } from '../../../model/windows.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { openDestination } from '../../storage/destinations.ts';
import { openRepository } from '../../storage/repository.ts';
import { limitedTo } from '../../storage/rate.ts';
import type { Destination, LocalStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { bounded } from '../bounded.ts';
import { copyBackup } from '../copy.ts';
import { copyLogs } from '../copy-logs.ts';
import { withCopyUnderWay } from '../copy-under-way.ts';
import { isAbsence, isRemovableIn } from '../plan-run.ts';
import { stepFailure } from '../step-failure.ts';
import { unlessStill } from '../unless-still.ts';
import { backupIn, chainAt } from '../../storage/chain-at.ts';
import { COMPARE_AGAIN, hasRecord, NOTHING_HELD, readHeld, writeHeld, type Held } from './memory.ts';
import {
  behindOf,
  heldAt,
  newestIn,
  owedOf,
  topsTaken,
  wantedAt,
  type Owed,
  type OwedBackup,
  type Wanted,
} from './owing.ts';
import { deliverRecords } from './records.ts';
import { orphanedLogs } from './orphaned-logs.ts';

export interface DeliverRequest {
  readonly site: Site;
  readonly destination: string;
  /** Milliseconds; null: until nothing is owed. */
  readonly deadline: number | null;
  /** Milliseconds since the epoch; the clock's when absent. */
  readonly clock?: () => number;
  readonly work: Work;
}

/** Milliseconds for listing a destination: a place that hangs must not keep a step for ever. */
const LOOKING = 5 * 60_000;
/** Failures that a report tells; of a hundred thousand the first say it all. */
const TOLD = 5;

/** @throws only what cancelled it, a repository that is gone, and bugs: whatever the destination does is in the result. */
export async function deliverCopies(request: DeliverRequest): Promise<Delivered> {
  const { site, destination, deadline, work } = request;
  const clock = request.clock ?? Date.now;
  const began = clock();
  const from = await openRepository(site);
  const to = openDestination(destination, site);
  const tops = topsTaken(site, destination);
  const wanted = await wantedAt(from, tops);
  const remembered = await readHeld(site, destination);
  const held = await lookAt(request, { from, to, tops, wanted, remembered, now: began });
  const base = { destination, host: site.host, milliseconds: 0 };
  if ('error' in held) return { ...base, ...(await away(request, { from, wanted, remembered, error: held.error })) };
  const owed = await owedOf(request, from, wanted, held);
  const end = deadline === null ? Number.POSITIVE_INFINITY : began + deadline;
  const delivery: Delivery = { ...request, clock, from, to, wanted, held, owed, end, failures: [] };
  const done = await deliver(delivery);
  const left = {
    ...owed,
    backups: owed.backups.filter(({ folder }) => !done.backups.has(folder)),
    records: done.owedRecords,
  };
  await writeHeld(site, destination, heldNow(delivery, done));
  const errors = [...owed.unreadable, ...delivery.failures]
    .slice(0, TOLD)
    .map((error) => failure(site, destination, error));
  const behind = behindOf(left);
  work.log.info({ destination, copied: done.backups.size, owed: behind.backups }, 'destination caught up with');
  return {
    ...base,
    milliseconds: clock() - began,
    state: stateOf(delivery, behind, done),
    copied: {
      backups: done.backups.size,
      bytes: owed.backups.reduce((sum, { folder, bytes }) => sum + (done.backups.has(folder) ? bytes : 0), 0),
      records: done.records.length,
    },
    behind,
    newest: newestIn([...held.held, ...done.backups]),
    errors,
  };
}

interface Delivery extends DeliverRequest {
  readonly clock: () => number;
  readonly from: LocalStore;
  readonly to: Destination;
  readonly wanted: Wanted;
  readonly held: Held;
  readonly owed: Owed;
  /** Milliseconds since the epoch. */
  readonly end: number;
  readonly failures: BackupError[];
}

interface Done {
  /** Folders of what was copied. */
  readonly backups: ReadonlySet<string>;
  readonly records: readonly string[];
  /** Records that were signed again, and of which an earlier one stays there. */
  readonly kept: readonly string[];
  readonly owedRecords: readonly string[];
  /** The destination went away meanwhile. */
  readonly lost: boolean;
}

/** Small records first: they are done at once, and no window keeps them. */
async function deliver(delivery: Delivery): Promise<Done> {
  const { site, from, to, owed, failures, work } = delivery;
  const copied = new Set<string>();
  const [records, kept]: [string[], string[]] = [[], []];
  const done = (lost: boolean): Done => ({
    backups: copied,
    records,
    kept,
    owedRecords: without(owed.records, [...records, ...kept]),
    lost,
  });
  try {
    const until = () => isOver(delivery);
    const trusted = await trustedKeys(site);
    await deliverRecords({ site, from, to, keys: owed.records, done: records, kept, trusted, failures, until, work });
    await copyAll(delivery, copied);
    await copyOrphanedLogs(delivery);
    return done(false);
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    // A repository that went away is no destination that did.
    await from.there?.();
    if (!isAbsence(delivery.site, delivery.destination, error)) delivery.failures.push(error);
    return done(error.code === 'unreachable');
  }
}

function without(keys: readonly string[], done: readonly string[]): readonly string[] {
  const gone = new Set(done);
  return keys.filter((key) => !gone.has(key));
}

/** @throws BackupError what is wrong with the destination, and so with every copy there. */
async function copyAll(delivery: Delivery, copied: Set<string>): Promise<void> {
  for (const backup of newestChainsFirst(delivery.owed.backups)) {
    if (isOver(delivery) || !opening(delivery).open) return;
    try {
      if (await copyOne(delivery, backup)) copied.add(backup.folder);
    } catch (error) {
      if (delivery.work.signal.aborted || !(error instanceof BackupError) || !isOfOne(error)) throw error;
      // What is wrong with one backup says nothing of the others.
      delivery.failures.push(error);
    }
  }
}

/** False where a run is just copying it, or retention has removed it meanwhile. */
async function copyOne(delivery: Delivery, { folder }: OwedBackup): Promise<boolean> {
  const { site, destination, from, to, work } = delivery;
  const backup = await backupIn(from, folder);
  if (backup === undefined) return false;
  const current = opening(delivery);
  const place = current.open ? limitedTo(to, current.maxRate) : to;
  const what = `the copy of ${formatReference(backup.name)} to ${destination}`;
  const copied = await withCopyUnderWay({ site, destination, folder, wait: false, work }, () =>
    unlessStill({ what, work }, async (watched) =>
      copyBackup({ site, from, to: place, backup, catalogue: await chainAt(from, backup), work: watched }),
    ),
  );
  return copied !== undefined;
}

/** Logs of sources that ship none any more: shipping copies all others, and nothing is to be copied by two. */
async function copyOrphanedLogs(delivery: Delivery): Promise<void> {
  const { site, destination, from, end, clock, work } = delivery;
  for (const source of await orphanedLogs(site, from, destination)) {
    if (isOver(delivery)) return;
    const limit = Math.min(LONGEST, Math.max(1, end - clock()));
    const { errors } = await copyLogs({ site, source, destination, limit, work });
    delivery.failures.push(
      ...errors.map(({ message, remedy }) => new BackupError('failed', message, remedy === null ? {} : { remedy })),
    );
  }
}

/** Milliseconds: timers know no longer ones. */
const LONGEST = 24 * 3_600_000;

function isOver({ clock, end, work }: Delivery): boolean {
  return work.signal.aborted || clock() >= end;
}

function opening({ site, destination, clock }: Delivery): ReturnType<typeof openingOf> {
  return openingOf(site.config.destinations[destination]?.windows, clock(), site.config.timeZone);
}

function isOfOne({ code }: BackupError): boolean {
  return code === 'verification-failed' || code === 'not-authentic' || code === 'conflict' || code === 'not-found';
}

interface Look {
  readonly from: LocalStore;
  readonly to: Destination;
  readonly tops: readonly string[];
  readonly wanted: Wanted;
  readonly remembered: Held | undefined;
  readonly now: number;
}

/** A remote place that held everything is not listed again while nothing is new here: a hundred thousand keys cost time and money. */
async function lookAt(
  { site, destination, deadline, work }: DeliverRequest,
  { from, to, tops, wanted, remembered, now }: Look,
): Promise<Held | { readonly error: BackupError }> {
  // By hand somebody wants to know.
  const isRemote = deadline !== null && site.config.destinations[destination]?.type !== 'directory';
  if (isRemote && remembered !== undefined && isRecent(remembered, now) && holdsAll(remembered, wanted))
    return remembered;
  try {
    const remedy = 'The next tick looks again. Where it happens again, see what slows that place down.';
    return await bounded({ what: `looking at ${destination}`, limit: LOOKING, remedy, work }, async () =>
      heldAt({ from, to, tops }, { wanted, before: remembered, now }),
    );
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    return { error };
  }
}

/** A clock that was set back makes it no younger. */
function isRecent({ compared }: Held, now: number): boolean {
  const age = now - Date.parse(compared);
  return age >= 0 && age < COMPARE_AGAIN;
}

function holdsAll(remembered: Held, wanted: Wanted): boolean {
  const there = new Set(remembered.held);
  return (
    [...wanted.folders.keys()].every((folder) => there.has(folder)) &&
    [...wanted.records].every(([key, bytes]) => hasRecord(remembered, key, bytes))
  );
}

interface Away {
  readonly from: LocalStore;
  readonly wanted: Wanted;
  readonly remembered: Held | undefined;
  readonly error: BackupError;
}

/** How far it is behind by what it held when it was there last: where that is not known, all of it is owed. */
async function away(
  request: DeliverRequest,
  { from, wanted, remembered, error }: Away,
): Promise<Omit<Delivered, 'destination' | 'host' | 'milliseconds'>> {
  const { site, destination } = request;
  const absent = isAbsence(site, destination, error);
  const held = remembered ?? NOTHING_HELD;
  return {
    state: absent ? 'absent' : 'unreachable',
    copied: { backups: 0, bytes: 0, records: 0 },
    behind: behindOf(await owedOf(request, from, wanted, held)),
    newest: newestIn(held.held),
    errors: absent ? [] : [failure(site, destination, error)],
  };
}

function stateOf(delivery: Delivery, { backups, records }: Behind, { lost }: Done): DeliveryState {
  if (lost) return isRemovableIn(delivery.site, delivery.destination) ? 'absent' : 'unreachable';
  if (backups === 0 && records === NOTHING_OWED.records) return 'served';
  return opening(delivery).open ? 'behind' : 'waiting';
}

function heldNow({ held, wanted }: Delivery, { backups, records, kept }: Done): Held {
  const sizesOf = (keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, wanted.records.get(key) ?? 0] as const));
  return {
    ...held,
    held: [...held.held, ...backups],
    records: { ...held.records, ...sizesOf(records) },
    kept: { ...held.kept, ...sizesOf(kept) },
  };
}

function failure(site: Site, destination: string, error: BackupError): StepError {
  return stepFailure(site, `copy to ${destination}`, error);
}
