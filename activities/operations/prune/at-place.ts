/**
 * The deletions at one place. What a run that was killed has left half-deleted is finished first. Captures take the newest
 * chain of their source for a parent, and that is never deleted; in the repository the source's lease is held all the same,
 * so that nothing is sealed, and no link renewed, in the middle of a deletion.
 */
import type { TrustedKey } from '../../keys/signing.ts';
import { BackupError } from '../../../model/errors.ts';
import { holdsIn, type Mark } from '../../../model/mark.ts';
import { LOCAL } from '../../../model/retention/kept-until.ts';
import type { UnsignedPruneRecord } from '../../../model/prune-record.ts';
import type { Decision } from '../../../model/retention/types.ts';
import type { Signer } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { acquireLease, type Lease } from '../../storage/lease.ts';
import { readMarks } from '../../storage/marks.ts';
import { mendLatest, writeRepository } from '../../storage/repository.ts';
import type { Pruner } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { foldersBeingRead } from '../being-read.ts';
import { requireSettled } from '../in-place/journal.ts';
import { leaseOf } from '../ship-logs.ts';
import { finishLeftovers } from './leftovers.ts';
import type { OpenPlace } from './gather.ts';
import { recordBegun, recordEnded, unfinished, type Recording } from './records.ts';
import { childrenFirst, removeManifest, removeRest } from './remove.ts';

export interface AtPlace {
  readonly site: Site;
  readonly name: string;
  readonly open: OpenPlace & { readonly pruner: Pruner };
  readonly source: string;
  /** What is to be deleted there of the source. */
  readonly decisions: readonly Decision[];
  /** Digests of what the place is to hold: a folder of those may be a copy that is just being made. */
  readonly wanted: ReadonlySet<string>;
  /** What people had said when it was decided, at all places. */
  readonly marks: readonly Mark[];
  readonly trusted: readonly TrustedKey[];
  readonly signer: Signer;
  readonly work: Work;
}

export interface Removed {
  readonly backups: number;
  readonly bytes: number;
  /** Half-deleted folders of an earlier run that were finished. */
  readonly finished: number;
  /** What could not be deleted, and why. */
  readonly failed: readonly { readonly reference: string; readonly error: BackupError }[];
}

/** Backups in one record: logs are many. */
const BATCH = 250;
/** Milliseconds to wait for a capture: the next run prunes too. */
const BUSY = 2_000;

/** @throws BackupError `busy` while the source is captured or restored in place; what the place as a whole fails with. */
export async function pruneAt(request: AtPlace): Promise<Removed> {
  const { name, open, source, decisions, trusted } = request;
  const nothing = decisions.length === 0 && (await unfinished(open.store, source, trusted)).length === 0;
  if (nothing) return { backups: 0, bytes: 0, finished: 0, failed: [] };
  if (name !== LOCAL) return removeAll(request, async () => {});
  return underLeases(request, (check) => removeAll(request, check));
}

async function removeAll(request: AtPlace, check: () => Promise<void>): Promise<Removed> {
  const { site, name, open, source, signer, work } = request;
  await check();
  const finished = await finishLeftovers(request);
  const queue = await deletable(request);
  const failed: Removed['failed'][number][] = [];
  const stays = new Set<string>();
  let backups = 0;
  let bytes = 0;
  for (let from = 0; from < queue.length; from += BATCH) {
    work.signal.throwIfAborted();
    const batch = queue.slice(from, from + BATCH);
    const recording: Recording = { site, store: open.store, signer, place: name, source };
    const begun = await beginBatch(recording, batch, request);
    const left: { readonly reference: string; readonly why: string }[] = [];
    let half = false;
    for (const { backup } of batch) {
      await check();
      const failure = stays.has(backup.reference)
        ? childStays(backup.reference)
        : ((await whoReads(site, backup)) ?? (await tryRemove(open, backup.folder, work)));
      if (failure === null) {
        backups += 1;
        bytes += backup.bytes;
        if (name === LOCAL && backup.kind !== 'logs')
          await writeRepository(site, () => mendLatest(site.repository, backup.folder));
        work.log.info({ place: name, backup: backup.reference }, 'backup deleted');
      } else {
        failed.push({ reference: backup.reference, error: failure.error });
        left.push({ reference: backup.reference, why: failure.error.message });
        if (backup.parent !== null) stays.add(backup.parent);
        half ||= failure.half;
        // What is refused is refused of one; a place that is away, or forbids it, does so of all.
        if (failure.error.code !== 'refused') return { backups, bytes, finished, failed };
      }
    }
    // What may be half-deleted is found by its record: that stays open.
    if (!half) await recordEnded(recording, begun, left);
  }
  return { backups, bytes, finished, failed };
}

/**
 * The record comes first. Where the place is too full even for that, the first of the batch makes room for it, and stands in
 * the record then: a place that is full must not stay so.
 */
async function beginBatch(
  recording: Recording,
  batch: readonly Decision[],
  { open, work }: AtPlace,
): Promise<UnsignedPruneRecord> {
  const [first] = batch;
  try {
    return await recordBegun(recording, batch);
  } catch (error) {
    if (!first || !(error instanceof BackupError) || error.code !== 'no-space') throw error;
    work.log.warn({ place: recording.place, backup: first.backup.reference }, 'no room for a record: deleting first');
    const failure = await tryRemove(open, first.backup.folder, work);
    if (failure) throw failure.error;
    return recordBegun(recording, batch);
  }
}

/** In the order of their deletion, without what was put on hold since it was decided, and what that builds on. */
async function deletable({ open, decisions, marks, trusted }: AtPlace): Promise<readonly Decision[]> {
  const byReference = new Map(decisions.map((decision) => [decision.backup.reference, decision]));
  const holds = holdsIn([...marks, ...(decisions.length === 0 ? [] : await readMarks(open.store, trusted))]);
  const stays = new Set<string>();
  for (const { backup } of decisions.filter((decision) => holds.has(decision.backup.sha256))) {
    for (let next: string | null = backup.reference; next !== null && !stays.has(next);) {
      stays.add(next);
      next = byReference.get(next)?.backup.parent ?? null;
    }
  }
  return childrenFirst(decisions.map(({ backup }) => backup))
    .flatMap(({ reference }) => byReference.get(reference) ?? [])
    .filter(({ backup }) => !stays.has(backup.reference));
}

interface Failure {
  readonly error: BackupError;
  /** Its manifest may be gone, and the rest is not. */
  readonly half: boolean;
}

async function tryRemove(open: AtPlace['open'], folder: string, work: Work): Promise<Failure | null> {
  let half = false;
  try {
    await removeManifest(open, folder, work);
    half = true;
    await removeRest(open, folder);
    return null;
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    // Of a place that went away nobody knows whether it has done what it was asked for.
    return { error, half: half || error.code !== 'refused' };
  }
}

/** A parent stays while a child of it could not be deleted. */
function childStays(reference: string): Failure {
  const message = `${reference} was not deleted: a backup that builds on it could not be.`;
  return { error: new BackupError('refused', message), half: false };
}

/** Whoever restores it now would find it gone in the middle: the next prune takes it up. */
async function whoReads(site: Site, { folder, reference }: Decision['backup']): Promise<Failure | null> {
  if (!(await foldersBeingRead(site)).has(folder)) return null;
  const remedy = 'Nothing: the next prune deletes it.';
  const message = `${reference} was not deleted: a restore is just reading it.`;
  return { error: new BackupError('refused', message, { remedy }), half: false };
}

async function underLeases(
  { site, source, work }: AtPlace,
  body: (check: () => Promise<void>) => Promise<Removed>,
): Promise<Removed> {
  const leases: Lease[] = [];
  try {
    for (const name of [source, leaseOf(source)]) {
      leases.push(
        await acquireLease({ state: site.state, name, step: 'prune', attempt: 1, wait: BUSY, signal: work.signal }),
      );
    }
    await requireSettled({ site, source });
    return await body(async () => {
      for (const lease of leases) await lease.check();
    });
  } finally {
    for (const lease of leases) await lease.release();
  }
}
