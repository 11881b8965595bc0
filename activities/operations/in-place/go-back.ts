/** The way back: the old data under their name again, and the server as it was. Each step does nothing that is done already. */
import { rm } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import { isThere, moveTo } from './folders.ts';
import { dropJournal, STEPS, UNFINISHED, unfinishedRemedy, writeJournal, type Journal } from './journal.ts';
import { noteBack } from './record.ts';
import { resumeSchedules } from './pause.ts';
import type { InPlaceWork } from './request.ts';
import { startIfDown, stopIfUp, untilBack } from './server.ts';

/** What it is taken back for. */
export interface Back {
  readonly why: string;
  /** Whether its workflow is to begin again by itself: nothing has failed, and nobody has wished it away. */
  readonly again: boolean;
}

/**
 * @throws BackupError where it cannot be finished; the journal stays, and the next attempt goes on with it.
 */
export async function goBack(request: InPlaceWork, begun: Journal, given: Back): Promise<void> {
  const { site, source, tell } = request;
  const journal = { ...begun, ...turned(begun, given) };
  await unlessFull(request, () => writeJournal(site, journal));
  try {
    if (STEPS.indexOf(journal.step) >= STEPS.indexOf('stopping')) await bringBack(request, journal);
    // It never ran, and can be restored again.
    await rm(journal.ready, { recursive: true, force: true });
    await resumeSchedules(request, journal);
  } catch (error) {
    throw stuck(source, journal, error);
  }
  const { run, back, again } = journal;
  if (run && !again) await unlessFull(request, () => noteBack({ site, source }, run, back));
  await dropJournal({ site, source });
  tell('everything is as it was before');
}

/** The first word counts, but for one after which it would begin again: an operator's ends that. */
function turned({ back, again = false }: Journal, given: Back) {
  return back === null || (again && !given.again) ? { back: given.why, again: given.again } : { back, again };
}

/** A state that takes no more keeps nobody from being served again: killed on that way it goes forward, and turns round where that fails. */
async function unlessFull({ tell }: InPlaceWork, note: () => Promise<void>): Promise<void> {
  try {
    await note();
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    tell(`going back all the same: ${error.message}`);
  }
}

async function bringBack(request: InPlaceWork, journal: Journal): Promise<void> {
  const { tell } = request;
  const { data, before, failed, ready } = journal;
  const wasMoved = await isThere(before);
  // What bears the name of the data folder is new once what was restored has left its waiting place.
  const isNew = (await isThere(data)) && !(await isThere(ready));
  if (isNew && (wasMoved || journal.owner === null)) {
    await stopIfUp(request, journal);
    tell(`what failed is kept in ${failed}`);
    await moveTo(data, failed);
  }
  if (await isThere(before)) {
    tell(`the old data are in ${data} again`);
    await moveTo(before, data);
  }
  if (!journal.ran) return;
  await startIfDown(request, journal);
  await untilBack(request, journal);
}

function stuck(source: string, { data, before, failed }: Journal, error: unknown): unknown {
  if (!(error instanceof BackupError)) return error;
  return new BackupError(
    error.code,
    `The way back could not be finished: ${error.message} The old data are in ${before}, unless they are in ${data} already.`,
    {
      remedy:
        `${error.remedy ?? ''} Then: mosaic-backup restore --undo --source ${source}. ${unfinishedRemedy(source)}`.trim(),
      facts: { ...error.facts, data, before, failed, ...UNFINISHED },
      cause: error,
    },
  );
}
