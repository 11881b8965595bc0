/**
 * Schedules rest meanwhile, so that no run begins only to be turned away. It is the journal that turns them away: where
 * Temporal cannot be reached, nothing is lost by that.
 */
import { writeJournal, type Journal } from './journal.ts';
import type { InPlaceWork } from './request.ts';

/** Which ones were running is written down before any is paused. */
export async function pauseSchedules(request: InPlaceWork, journal: Journal): Promise<Journal> {
  const { site, schedules, tell } = request;
  if (!schedules) {
    tell(
      'no Temporal is reached, so no schedule is paused; runs of this source are turned away until this is finished',
    );
    return journal;
  }
  let noted = journal;
  try {
    noted = { ...journal, paused: journal.paused ?? [...(await schedules.running())] };
    await writeJournal(site, noted);
    const paused = noted.paused ?? [];
    await schedules.pause(paused);
    if (paused.length > 0) tell(`paused: ${paused.join(', ')}`);
  } catch (error) {
    // Whatever Temporal's client throws: a restore does not wait for it.
    tell(`the schedules are not all paused, since Temporal does not do it: ${wordsOf(error)}`);
  }
  return noted;
}

/** Those that were running before run again. */
export async function resumeSchedules({ schedules, tell }: InPlaceWork, { paused }: Journal): Promise<void> {
  if (paused === null || paused.length === 0) return;
  try {
    if (!schedules) throw new Error('no Temporal is reached');
    await schedules.resume(paused);
  } catch (error) {
    tell(
      `these schedules stay paused (${wordsOf(error)}): ${paused.join(', ')}. Later: mosaic-backup schedules resume`,
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
