/** A restore in place as the steps of a run: its worker killed, the next attempt goes on at what the journal says was begun. */
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import {
  besideData,
  type FullBehind,
  type FullBehindInput,
  type InPlaceStepInput,
  type PutInPlace,
  type TakenBack,
} from '../../../model/in-place-run.ts';
import type { NotHere } from '../../../model/restore-run.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { chainOf, findPinned, listBackups } from '../../storage/catalogue.ts';
import type { Work } from '../../work.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { planOwn } from '../recovery.ts';
import { atOnce } from '../restore-run.ts';
import { elsewhere, sinceRestart } from '../restore-seen.ts';
import { backUpAgain } from './back-up-again.ts';
import { isReady, planInPlace, restoreInPlace, resumeInPlace, undoInPlace, type RestoredInPlace } from './index.ts';
import { leavesUnfinished, readJournal, unfinishedRemedy, type Journal } from './journal.ts';
import { everythingOf } from './known.ts';
import { placeOf } from './plan.ts';
import { restoresInPlace, wentBack } from './record.ts';
import type { InPlaceRequest, InPlaceWork, WithSchedules } from './request.ts';
import { nextSecond } from './run-of.ts';

export interface InPlaceStep<Input> {
  readonly site: Site;
  readonly input: Input;
  readonly withSchedules: WithSchedules;
  readonly work: Work;
}

/** @throws BackupError as `restoreInPlace`: not to be tried again, but where another one is just ending there. */
export async function inPlaceStep(step: InPlaceStep<InPlaceStepInput>): Promise<PutInPlace | NotHere> {
  const { site, input } = step;
  const why = await notHere(site, input);
  if (why !== null) return { elsewhere: why };
  return telling(step, (request) => putInPlace(request, input));
}

/**
 * Of a run that was cancelled while nobody was there to hear it: what it has begun is taken back. Where its server runs on what was restored it is too
 * late for that, and it is finished.
 * @throws BackupError as `inPlaceStep`.
 */
export async function takeBackStep(step: InPlaceStep<InPlaceStepInput>): Promise<TakenBack> {
  const { site, input } = step;
  const { source, run, data } = input;
  const of = { site, source };
  const journal = await readJournal(of);
  if (journal?.run !== run) {
    const made = await doneBy(of, run);
    return made ? { data, ...made, next: nextSecond(), told: [] } : null;
  }
  await notHere(site, input);
  if (journal.step === 'closing' && journal.back === null) return telling(step, (request) => resumed(request, null));
  await telling(step, (request) => undoInPlace(request, { why: 'its run was cancelled', again: false }));
  return null;
}

type OfRun = InPlaceWork & { readonly run: string };

/** With what was told on the way, also where it fails: there may be folders that nobody else names. */
async function telling<T>(
  { site, input: { source, run }, withSchedules, work }: InPlaceStep<InPlaceStepInput>,
  body: (request: OfRun) => Promise<T>,
): Promise<T & Pick<PutInPlace, 'next' | 'told'>> {
  const told: string[] = [];
  const tell = (line: string): void => {
    told.push(line);
    work.log.info({ source, run, line }, 'restore in place');
    work.progress({ phase: line, bytes: 0, total: null, activity: told.length });
  };
  try {
    const done = await atOnce(true, () =>
      withSchedules({ site, tell }, (schedules) => body({ site, source, schedules, tell, work, run })),
    );
    return { ...done, next: nextSecond(), told };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    const { code, message, remedy, facts, retryable } = error;
    const options = { facts: { ...facts, told }, cause: error, retryable };
    throw new BackupError(code, message, remedy === undefined ? options : { ...options, remedy });
  }
}

/**
 * Why nothing is done here, in words; null where it is. What it has begun here it ends here, also after a restart of the machine.
 * @throws BackupError `refused` where it was begun, and this worker cannot go on.
 */
async function notHere(site: Site, { source, run, data, seen }: InPlaceStepInput): Promise<string | null> {
  const of = { site, source };
  const begun = (await readJournal(of))?.run === run;
  if (!begun && ((await doneBy(of, run)) ?? (await wentBack(of, run))) !== undefined) return null;
  const there = besideData(data);
  const asSeen = begun ? await sinceRestart(site, seen, there) : seen;
  const why = (await elsewhere(site, asSeen, there)) ?? startsWithin(site, source);
  if (why === null || !begun) return why;
  throw new BackupError(
    'refused',
    `It was begun, and cannot be gone on with here: ${why}. Its server may be stopped.`,
    {
      remedy: unfinishedRemedy(source),
    },
  );
}

/** The full behind it: the same time makes one, however often it is tried. */
export async function fullBehindStep({
  site,
  input: { source, scheduled, attempt },
  work,
}: Omit<InPlaceStep<FullBehindInput>, 'withSchedules'>): Promise<FullBehind> {
  const tell = (phase: string): void => work.progress({ phase, bytes: 0, total: null, activity: 0 });
  const request = { site, source, schedules: null, tell, work, run: null };
  const { reference, problems } = await atOnce(true, () => backUpAgain(request, { scheduled, attempt }));
  return { reference, problems: problems.map(({ message, remedy = null }) => ({ message, remedy })) };
}

type Done = Pick<PutInPlace, 'data' | 'before' | 'down'>;

async function putInPlace(work: OfRun, input: InPlaceStepInput): Promise<Done> {
  const { site, source, run } = work;
  const of = { site, source };
  const journal = await readJournal(of);
  const gone = journal?.run === run ? await goneOn(work, journal) : null;
  if (gone) return gone;
  const made = await doneBy(of, run);
  if (made) return { data: input.data, ...made };
  const back = await wentBack(of, run);
  if (back !== undefined) throw takenBack(source, back);
  return begun(work, input);
}

const CUT_OFF = { why: 'its worker was ended before what it had restored was in its place', again: true };

/** Goes on with what an earlier attempt began, or takes back what is to be begun again: null then, and where somebody has ended it meanwhile. */
async function goneOn(work: OfRun, journal: Journal): Promise<RestoredInPlace | null> {
  try {
    if (journal.again === true || (journal.back === null && !(await isReady(journal)))) {
      await undoInPlace(work, CUT_OFF);
      return null;
    }
    return await resumed(work, journal.back);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'not-found' || leavesUnfinished(error)) throw error;
    return null;
  }
}

/** @throws BackupError where it was going back. */
async function resumed(work: OfRun, why: string | null): Promise<RestoredInPlace> {
  const { site, source, run } = work;
  const done = await resumeInPlace(work);
  if (done) return done;
  throw takenBack(source, (await wentBack({ site, source }, run)) ?? why ?? 'it was going back');
}

/** What the one of that workflow has done, where it was finished and nobody may have heard of it. */
export async function doneBy(
  { site, source }: Pick<InPlaceWork, 'site' | 'source'>,
  run: string,
): Promise<Omit<Done, 'data'> | undefined> {
  const made = (await restoresInPlace({ site, source })).find((each) => each.run === run);
  return made && { before: made.kept[0] ?? null, down: null };
}

async function begun(work: InPlaceWork, input: InPlaceStepInput): Promise<RestoredInPlace> {
  const request = await requestOf(work, input);
  const plan = await planInPlace(request);
  requireAsked(plan.data, input);
  requireSoon(input);
  // The end of the logs is not where they ended before the server's last ones were shipped.
  const toTheEnd = input.target?.kind === 'end' ? () => requestOf(work, input) : undefined;
  return restoreInPlace(request, plan, toTheEnd);
}

/** @throws BackupError `refused` where the config now means another folder than whoever asked has said yes to. */
function requireAsked(data: string, asked: InPlaceStepInput): void {
  if (data === asked.data) return;
  throw new BackupError(
    'refused',
    `The data of "${asked.source}" were in ${asked.data} when this was asked for, and are in ${data} now. Nothing was changed.`,
    { remedy: `Look at sources.${asked.source}.inPlace.data in the config, and give the command again.` },
  );
}

/** Milliseconds after which it is not begun again by itself: clients have gone on writing, and whoever asked may have done something else. */
const SOON = 3_600_000;

/** @throws BackupError `refused` where its worker, or Temporal, was away for long before anything was replaced, or since it was taken back. */
function requireSoon({ source, asked }: InPlaceStepInput): void {
  if (Date.now() - Date.parse(asked) < SOON) return;
  throw new BackupError(
    'refused',
    `The restore in place of "${source}" was asked for at ${asked}, and cut off. Nothing was changed.`,
    {
      remedy: 'So long after it is not begun again by itself: where it is wanted all the same, give the command again.',
    },
  );
}

async function requestOf(work: InPlaceWork, input: InPlaceStepInput): Promise<InPlaceRequest> {
  const { site, source } = work;
  const { backup: pinned, place, target, acceptUnsaved, last } = input;
  const store = await openPlaceNamed(site, place ?? REPOSITORY);
  const catalogue = (await listBackups(store, { logs: target !== null })).filter(
    ({ manifest }) => manifest.source === source,
  );
  const backup = findPinned(catalogue, pinned);
  const replay = target === null ? null : planOwn({ catalogue, source, target, from: backup }, await trustedKeys(site));
  return {
    ...work,
    store,
    chain: replay?.chain ?? chainOf(catalogue, backup),
    replay: replay && { logs: replay.logs, target: replay.target },
    known: await everythingOf(site, store, source),
    reference: pinned.reference,
    acceptUnsaved,
    last,
  };
}

/** They hand it to a manager of services, or of containers, of which the server is a part then. */
const MANAGERS: ReadonlySet<string> = new Set(['systemctl', 'docker']);

/**
 * A process that a unit of systemd starts is a part of that unit, with its limits, and ends with it (systemd.kill(5)): a server must not come to that.
 * @returns null where it does not.
 */
function startsWithin(site: Site, source: string): string | null {
  const [program = ''] = placeOf({ site, source }).place.start;
  if (process.env['INVOCATION_ID'] === undefined || MANAGERS.has(path.basename(program))) return null;
  return `its worker is a unit of systemd, and a server that ${program} starts would be a part of that, and end with it`;
}

function takenBack(source: string, why: string): BackupError {
  return new BackupError(
    'failed',
    `The restore in place of "${source}" was taken back: ${why}. The old data are served.`,
    {
      remedy: 'Where it is wanted all the same, give the command again.',
    },
  );
}
