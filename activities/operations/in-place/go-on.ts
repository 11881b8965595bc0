/**
 * The steps of a restore in place, from the one that the journal names. Each is written down before it is begun, and does
 * nothing that is done already: a kill anywhere is gone on from here, or gone back from (go-back.ts).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { formatDuration } from '../../../model/units.ts';
import type { LogsContext, Shipped, Unshipped } from '../../sources/types.ts';
import type { Lease } from '../../storage/lease.ts';
import { syncTree } from '../../storage/sync-tree.ts';
import { noteFullDue } from '../full-due.ts';
import { shipsLogs, shipUnderLease } from '../ship-logs.ts';
import { copyKept, isThere, moveTo } from './folders.ts';
import { dropJournal, STEPS, writeJournal, type Journal, type Step } from './journal.ts';
import { placeOf } from './plan.ts';
import { pauseSchedules, resumeSchedules } from './pause.ts';
import { noteRestored } from './record.ts';
import type { InPlaceWork } from './request.ts';
import { contextIn, startIfDown, stopIfUp } from './server.ts';

export interface Under {
  /** Of the source's logs. */
  readonly logs: Lease;
}

type DoStep = (request: InPlaceWork, journal: Journal, under: Under) => Promise<Journal>;

const DO: Readonly<Record<Step, DoStep>> = {
  pausing: pauseSchedules,
  stopping: stopServer,
  saving: saveUnshipped,
  'setting-aside': setAside,
  'putting-in': putIn,
  starting: startServer,
  checking: checkServer,
  closing: close,
};

const POLL = 250;

/** @throws BackupError of the step that failed; the journal then names it. */
export async function goOn(request: InPlaceWork, begun: Journal, under: Under): Promise<Journal> {
  let journal = begun;
  for (const step of STEPS.slice(STEPS.indexOf(begun.step))) {
    request.work.signal.throwIfAborted();
    journal = at(journal, step);
    await writeJournal(request.site, journal);
    journal = await DO[step](request, journal, under);
  }
  return journal;
}

function at(journal: Journal, step: Step): Journal {
  return { ...journal, step };
}

async function stopServer(request: InPlaceWork, journal: Journal): Promise<Journal> {
  // The leases are held: whatever backup begins later is one of what runs afterwards.
  const noted = { ...journal, since: journal.since ?? new Date().toISOString() };
  await writeJournal(request.site, noted);
  await stopIfUp(request, noted);
  return noted;
}

/** Of a server that ships its logs: what was committed since the last shipping. */
async function saveUnshipped(request: InPlaceWork, journal: Journal, under: Under): Promise<Journal> {
  const { config, adapter } = placeOf(request);
  if (!adapter.saveUnshipped || !shipsLogs(config) || !(await isThere(journal.data))) return journal;
  let saved = 0;
  try {
    for (;;) {
      const { sealed, more } = await saveOne(request, journal, under);
      if (sealed) saved += 1;
      if (!more) break;
    }
  } catch (error) {
    if (!journal.acceptUnsaved || request.work.signal.aborted || !(error instanceof BackupError)) throw error;
    request.tell(`what the old server had not shipped is not saved (it stays in the old data): ${error.message}`);
    return journal;
  }
  if (saved > 0) request.tell('saved what the old server had not shipped');
  return journal;
}

/** A backup of logs, made by the adapter from the folder of the stopped server. */
async function saveOne(
  request: InPlaceWork,
  journal: Journal,
  { logs: lease }: Under,
): Promise<{ readonly sealed: boolean; readonly more: boolean }> {
  const { config, adapter } = placeOf(request);
  const found: Unshipped[] = [];
  async function ship(context: LogsContext): Promise<Shipped | null> {
    const one = (await adapter.saveUnshipped?.(context, journal.data, journal.facts)) ?? { shipped: null, more: false };
    found.push(one);
    return one.shipped;
  }
  const sealed = await shipUnderLease(shipping(request, journal), { config, lease, ship });
  return { sealed: sealed !== null, more: found.at(-1)?.more ?? false };
}

function shipping({ site, source, work }: InPlaceWork, { began }: Journal) {
  const scheduled = `${began.slice(0, 19)}Z`;
  return { site, source, runId: `in-place-${scheduled}`, scheduled, attempt: 1, busy: 0, work };
}

async function setAside({ tell }: InPlaceWork, journal: Journal): Promise<Journal> {
  // Where it has its new name already, what bears the old one is not what was there before.
  if ((await isThere(journal.before)) || !(await isThere(journal.data))) return journal;
  tell(`the old data are kept in ${journal.before}`);
  await moveTo(journal.data, journal.before);
  return journal;
}

async function putIn(request: InPlaceWork, journal: Journal): Promise<Journal> {
  const { work, tell } = request;
  const { ready, before, data } = journal;
  if (await isThere(ready)) {
    const { adapter } = placeOf(request);
    const kept = await copyKept(before, ready, adapter.keeps, work.signal);
    await adapter.settle?.(contextIn(request, journal), { before, ready }, journal.facts);
    if (kept.length > 0) tell(`kept of the present server: ${kept.join(', ')}`);
    await syncTree(ready, work);
  }
  await moveTo(ready, data);
  return journal;
}

async function startServer(request: InPlaceWork, journal: Journal): Promise<Journal> {
  await startIfDown(request, journal);
  return journal;
}

/** Looks again until every check passes; what failed last is what is told. */
async function checkServer(request: InPlaceWork, journal: Journal): Promise<Journal> {
  const { work, tell } = request;
  const { place } = placeOf(request);
  const end = Date.now() + place.settle;
  for (;;) {
    const failed = await failedChecks(request, journal);
    if (failed === null) {
      tell('the server answers, and runs on what was restored');
      return journal;
    }
    if (Date.now() >= end) {
      throw new BackupError(
        'verification-failed',
        `The server does not run on what was restored, after ${formatDuration(place.settle)}: ${failed}.`,
        { remedy: 'Look at the messages of the server; inPlace.settle sets how long it may take.' },
      );
    }
    await pause(POLL, undefined, { signal: work.signal });
  }
}

/** Null where all is well. */
async function failedChecks(request: InPlaceWork, journal: Journal): Promise<string | null> {
  try {
    const checks: readonly Check[] = await placeOf(request).adapter.check(contextIn(request, journal), journal.facts);
    const failed = checks.filter(({ compared, ok }) => compared && !ok);
    return failed.length === 0 ? null : failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ');
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    return error.message;
  }
}

/**
 * What was shipped before is followed by nothing any more, a full is due, and the schedules run again as they did. The
 * journal goes last: until then no run comes in between.
 */
async function close(request: InPlaceWork, journal: Journal): Promise<Journal> {
  const { site, source } = request;
  await placeOf(request).adapter.begin(contextIn(request, journal), journal.facts);
  const at = journal.since ?? new Date().toISOString();
  // Ticks of the logs ask for it; without any the next scheduled run makes one.
  if (shipsLogs(placeOf(request).config)) await noteFullDue({ site, source }, at, 'The server was restored in place.');
  const kept = (await isThere(journal.before)) ? [journal.before] : [];
  const { reference, target, run = null } = journal;
  await noteRestored({ site, source }, { at, reference, target, run, kept });
  await resumeSchedules(request, journal);
  await dropJournal({ site, source });
  return journal;
}
