/**
 * Restores in place. What is restored is made and checked beside the data folder while the old server runs; only then is
 * that stopped, what it had not shipped saved, its data renamed, and the new ones put in their place. If the server does
 * not run on them, all of it is taken back. Works with Temporal gone, in the command's own process.
 */
import { randomUUID } from 'node:crypto';
import { BackupError } from '../../../model/errors.ts';
import { underLease } from '../../storage/under-lease.ts';
import type { Work } from '../../work.ts';
import { leaseOf, shipLogs, shipsLogs } from '../ship-logs.ts';
import { goBack, type Back } from './go-back.ts';
import { goOn, type Under } from './go-on.ts';
import { isThere } from './folders.ts';
import { readJournal, requireSettled, STEPS, UNFINISHED, type Journal } from './journal.ts';
import { makeReady } from './make-ready.ts';
import { placeOf, planInPlace, type InPlacePlan } from './plan.ts';
import { lastRestored } from './record.ts';
import type { InPlaceRequest, InPlaceWork } from './request.ts';
import { BUSY, runOf } from './run-of.ts';

export { backUpAgain, type BackedUpAgain } from './back-up-again.ts';
export { planInPlace, type InPlacePlan } from './plan.ts';
export type { InPlaceRequest, InPlaceWork, Schedules, WithSchedules } from './request.ts';

export interface RestoredInPlace {
  readonly data: string;
  /** Where the old data are; null where there were none. */
  readonly before: string | null;
  /** Milliseconds in which nobody was served. */
  readonly down: number;
}

/**
 * Restores in place, as planned.
 * @param afterShipping asked once the server's logs were shipped: where they lead further, what is to be restored now.
 * @throws BackupError what failed. Unless its message says otherwise all is as it was before.
 */
export async function restoreInPlace(
  request: InPlaceRequest,
  plan: InPlacePlan,
  afterShipping?: () => Promise<InPlaceRequest>,
): Promise<RestoredInPlace> {
  return alone(request, async () => {
    await requireSettled(request);
    await requireSameData(request);
    await shipOnce(request, plan);
    if (!afterShipping) return finish(request, await makeReady(request, plan));
    const now = await afterShipping();
    return finish(now, await makeReady(now, await planInPlace(now)));
  });
}

/**
 * Who waited, for another one to end or for a worker to come back, finds other data than those that were meant to be replaced: clients have written since.
 * @throws BackupError `conflict`.
 */
async function requireSameData({ site, source, last }: InPlaceRequest): Promise<void> {
  const newest = await lastRestored({ site, source });
  if (newest === null || newest === last) return;
  throw new BackupError(
    'conflict',
    `"${source}" was restored in place at ${newest}, after this one was asked for. Nothing was changed.`,
    { remedy: 'Look at what its server holds now; where it is wanted all the same, give the command again.' },
  );
}

/** Goes on with one that was cut off, forward or back as it was going. @throws BackupError `not-found` where none is unfinished. */
export async function resumeInPlace(request: InPlaceWork): Promise<RestoredInPlace | null> {
  return alone(request, async () => {
    const journal = await requireJournal(request);
    if (journal.back === null) return finish(request, journal);
    await withLeases(request, () => goBack(request, journal, WISHED));
    return null;
  });
}

const WISHED: Back = { why: 'the operator wished so', again: false };

/** Takes back one that was cut off. @throws BackupError `not-found` where none is unfinished. */
export async function undoInPlace(request: InPlaceWork, back: Back = WISHED): Promise<void> {
  await alone(request, async () => {
    const journal = await requireJournal(request);
    await withLeases(request, () => goBack(request, journal, back));
  });
}

/** One process at a time works on a journal. @throws BackupError `busy`. */
async function alone<Result>({ site, source, work }: InPlaceWork, use: () => Promise<Result>): Promise<Result> {
  const of = { state: site.state, step: `in-place/${source}/${randomUUID()}`, attempt: 1, wait: 0 };
  let begun = false;
  return underLease({ ...of, name: `${source}~in-place`, signal: work.signal }, async () => {
    begun = true;
    return use();
  }).catch((error: unknown) => {
    throw begun ? error : atWork(source, error);
  });
}

/** The lease that is held, in the words of whoever gives the command. */
function atWork(source: string, error: unknown): unknown {
  if (!(error instanceof BackupError) || error.code !== 'busy') return error;
  const { pid, since } = error.facts;
  const who = `since ${String(since)} (process ${String(pid)})`;
  return new BackupError('busy', `A restore in place of "${source}" is at work here ${who}.`, {
    remedy: `Let it finish; or end it, by ^C or "mosaic-backup runs cancel": it goes back itself. Where it hangs, end that process, and then: mosaic-backup restore --undo --source ${source}.`,
    facts: error.facts,
    cause: error,
  });
}

async function requireJournal({ site, source }: InPlaceWork): Promise<Journal> {
  const journal = await readJournal({ site, source });
  if (journal) return journal;
  throw new BackupError('not-found', `No restore in place of "${source}" is unfinished.`, {
    remedy: 'To go back to data that were set aside by a finished one, see "Restore in place" in docs/operations.md.',
  });
}

async function finish(request: InPlaceWork, journal: Journal): Promise<RestoredInPlace> {
  await requireReady(request, journal);
  let held = false;
  const going = withLeases(request, async (under) => {
    held = true;
    try {
      return await goOn(request, journal, under);
    } catch (error) {
      // The step that failed is in the journal.
      const now = (await readJournal(request)) ?? journal;
      if (now.step === 'closing') throw nearly(request, error);
      request.tell(`going back: ${messageOf(error)}`);
      await goBack(calm(request), now, backFor(request, error));
      throw taken(error);
    }
  });
  const { since } = await going.catch(async (error: unknown) => {
    // Nothing was touched while a backup was waited for: left as begun, it would keep all others off.
    if (!held && journal.step === 'pausing') await goBack(calm(request), journal, backFor(request, error));
    throw error;
  });
  const down = since === null ? 0 : Date.now() - Date.parse(since);
  return { data: journal.data, before: journal.owner === null ? null : journal.before, down };
}

/** An attempt that was ended has not failed: where its worker was stopped, the next one begins again. */
function backFor({ work }: InPlaceWork, error: unknown): Back {
  return { why: messageOf(error), again: work.signal.aborted };
}

/** Whether what it is to put in place is there: killed before that had its name, nothing but the restore itself was done. */
export async function isReady({ step, ready }: Journal): Promise<boolean> {
  return STEPS.indexOf(step) >= STEPS.indexOf('putting-in') || isThere(ready);
}

async function requireReady(request: InPlaceWork, journal: Journal): Promise<void> {
  if (await isReady(journal)) return;
  await withLeases(request, () => goBack(request, journal, { why: 'what was restored is gone', again: false }));
  throw new BackupError(
    'failed',
    `What was restored in place of "${request.source}" is gone: it was not finished. All is as it was before.`,
    {
      remedy: 'Begin again, with the command that was cut off.',
    },
  );
}

/** A way back is not cancelled by what cancelled the way there. */
function calm(request: InPlaceWork): InPlaceWork {
  const work: Work = { ...request.work, signal: new AbortController().signal };
  return { ...request, work };
}

/** While the old server still answers. What fails here, and what it writes afterwards, is saved from its folder. */
async function shipOnce(request: InPlaceRequest, plan: InPlacePlan): Promise<void> {
  const { site, source, work, tell } = request;
  if (!plan.answers || !shipsLogs(placeOf(request).config)) return;
  tell('shipping the logs of the server');
  try {
    await shipLogs({ ...runOf(source), site, source, attempt: 1, busy: BUSY, work });
  } catch (error) {
    if (!(error instanceof BackupError) || work.signal.aborted) throw error;
    tell(`its logs cannot be shipped now: ${error.message}`);
  }
}

/** No capture and no shipping of the source meanwhile. */
async function withLeases<Result>(
  { site, source, work }: InPlaceWork,
  use: (under: Under) => Promise<Result>,
): Promise<Result> {
  const of = { state: site.state, step: `in-place/${source}`, attempt: 1, wait: BUSY, signal: work.signal };
  return underLease({ ...of, name: source }, () =>
    underLease({ ...of, name: leaseOf(source) }, (logs) => use({ logs })),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Too late to go back: the server runs on what was restored, and clients may have written. */
function nearly({ source }: InPlaceWork, error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  return new BackupError(
    error.code,
    `The server runs on what was restored, but the last step failed: ${error.message}`,
    {
      remedy: `Then: mosaic-backup restore --resume --source ${source}; no backups are made of it before.`,
      facts: { ...error.facts, ...UNFINISHED },
      cause: error,
    },
  );
}

/** The failure, with what became of it. */
function taken(error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  const { code, message, remedy, facts, retryable } = error;
  return new BackupError(code, `${message} The old data are back, and the server is as it was before.`, {
    ...(remedy === undefined ? {} : { remedy }),
    facts,
    retryable,
    cause: error,
  });
}
