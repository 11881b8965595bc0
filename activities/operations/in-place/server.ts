/** The server of a source, by the operator's commands: stopped so that nobody uses its folder, and started. */
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../../model/errors.ts';
import { manifest as manifestSchema } from '../../../model/manifest.ts';
import { formatDuration } from '../../../model/units.ts';
import { listOf, processesUsing, serverRuns } from '../../sources/in-place/processes.ts';
import type { InPlaceContext } from '../../sources/types.ts';
import { runServerCommand } from './commands.ts';
import type { Journal } from './journal.ts';
import { contextOf, placeOf } from './plan.ts';
import type { InPlaceWork } from './request.ts';

const POLL = 250;

/** What the adapter is given of one that was begun. */
export function contextIn(request: InPlaceWork, { manifest, replayed }: Journal): InPlaceContext {
  return contextOf(request, { manifest: manifestSchema.parse(manifest), replayed });
}

/**
 * Stops it, and waits until it neither answers nor uses the folder.
 * @throws BackupError `program-failed` of the command, `refused` when somebody is still there after that time.
 */
export async function stopIfUp(request: InPlaceWork, journal: Journal): Promise<void> {
  const { tell, work } = request;
  const { place } = placeOf(request);
  const { stop: command, stopWithin: within } = place;
  if (await isUp(request, journal)) {
    tell(`stopping the server: ${command.join(' ')}`);
    await unless(
      () => runServerCommand({ does: 'stop', command, within, state: stateOf(request), signal: work.signal }),
      // Gone on with after a kill it may have been stopped meanwhile, which some commands call a failure.
      async () => !(await isUp(request, journal)),
    );
  }
  await untilUnused(request, journal, within);
}

/** Starts it where it does not run. @throws BackupError `program-failed`. */
export async function startIfDown(request: InPlaceWork, journal: Journal): Promise<void> {
  const { tell, work } = request;
  const { place, adapter } = placeOf(request);
  const { start: command, settle: within } = place;
  if (await serverRuns(journal.data, adapter.processes)) return;
  tell(`starting the server: ${command.join(' ')}`);
  await unless(
    () => runServerCommand({ does: 'start', command, within, state: stateOf(request), signal: work.signal }),
    () => answers(request, journal),
  );
}

/**
 * That it is there again, whatever the command that starts it said: one may start another server, or nothing.
 * @throws BackupError `verification-failed` where no process of it is seen and nobody answers, after the time to settle.
 */
export async function untilBack(request: InPlaceWork, journal: Journal): Promise<void> {
  const { place, adapter } = placeOf(request);
  const end = Date.now() + place.settle;
  while (!(await answers(request, journal))) {
    if (Date.now() >= end) {
      // A long recovery from a crash: it runs, and nothing more can be done for it.
      if (await serverRuns(journal.data, adapter.processes)) return;
      const after = formatDuration(place.settle);
      throw new BackupError(
        'verification-failed',
        `The server does not answer ${after} after it was started: ${place.start.join(' ')}.`,
        { remedy: 'Look whether inPlace.start starts this server, and at the messages of the server.' },
      );
    }
    await pause(POLL, undefined, { signal: request.work.signal });
  }
}

/**
 * Whether one of its processes is seen, or it answers: from inside a container of our own the processes of other
 * containers are not seen.
 */
export async function isUp(request: InPlaceWork, journal: Journal): Promise<boolean> {
  const { adapter } = placeOf(request);
  return (await serverRuns(journal.data, adapter.processes)) || answers(request, journal);
}

/** Whatever it answers: a refusal is an answer. */
async function answers(request: InPlaceWork, journal: Journal): Promise<boolean> {
  try {
    await placeOf(request).adapter.check(contextIn(request, journal), journal.facts);
    return true;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return error.code !== 'unreachable' && error.code !== 'not-found';
  }
}

async function untilUnused(request: InPlaceWork, journal: Journal, within: number): Promise<void> {
  const { data } = journal;
  const end = Date.now() + within;
  for (;;) {
    const using = await processesUsing(data);
    if (using.length === 0 && !(await answers(request, journal))) return;
    if (Date.now() >= end) {
      const who = using.length > 0 ? `${data} is still used by ${listOf(using)}` : 'The server still answers';
      throw new BackupError('refused', `${who}, ${formatDuration(within)} after it was stopped.`, {
        remedy:
          'Look whether inPlace.stop stops this server, and whether anything starts it again; end what else uses it.',
        facts: { folder: data, processes: using.map(({ pid }) => String(pid)) },
      });
    }
    await pause(POLL, undefined, { signal: request.work.signal });
  }
}

/** A command that fails has done its work all the same, where what it is for is so. */
async function unless(command: () => Promise<void>, isDone: () => Promise<boolean>): Promise<void> {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed' || !(await isDone())) throw error;
  }
}

/** The source's own folder in state. */
function stateOf({ site, source }: InPlaceWork): string {
  return `${site.state}/sources/${source}`;
}
