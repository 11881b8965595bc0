/**
 * Loaded into a worker under test by `node --import`: it stops at every boundary of every step of a graph, each once, whatever the
 * steps are. The step is the id of its activity, so that a new one is met without being named anywhere.
 *
 * STEPS_HIT     a folder: `<step>@<where>` is made in it when a point is reached, and never reached again
 * STEPS_DO      kill: the process sends itself SIGKILL. hold: it stands still until `<step>@<where>.go` is there; inside a step it
 *               does not, but works on, and the step does not end before
 * STEPS_AT      which of these, by commas: entered (nothing is done), inside (something is), left (it is done, and nobody knows yet)
 * STEPS_INSIDE  each: every step has the point inside. kinds (of one worker that is never killed): the first of each kind has
 */
import { existsSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { activityInfo } from '@temporalio/activity';

const { STEPS_HIT: folder, STEPS_DO: what, STEPS_AT = 'entered,inside,left', STEPS_INSIDE = 'each' } = process.env;
const points = new Set(STEPS_AT.split(','));
if (!folder || (what !== 'kill' && what !== 'hold')) throw new Error('STEPS_HIT and STEPS_DO must be set');

/** Milliseconds after which a step that tells no progress counts as in its middle. */
const MIDDLE = 40;
/** Steps by the kinds that were met inside. */
const kinds = new Map();

/** Notes that a point is reached, if it is for the first time, and dies or stands still there. */
function reach(step, where) {
  if (!points.has(where) || (where === 'inside' && !isOfNewKind(step))) return;
  try {
    writeFileSync(fileOf(step, where), `${process.pid}`, { flag: 'wx' });
  } catch (error) {
    // It was reached before.
    if (error.code === 'EEXIST') return;
    throw error;
  }
  if (what === 'hold' && where === 'inside') return;
  if (what === 'kill') process.kill(process.pid, 'SIGKILL');
  // A signal is delivered a moment later: nothing of the step may run before.
  while (isHeld(step, where)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

/** Whether the point is reached, and its `.go` is not there. */
function isHeld(step, where) {
  const file = fileOf(step, where);
  return existsSync(file) && !existsSync(`${file}.go`);
}

function fileOf(step, where) {
  return path.join(folder, `${step.replaceAll('/', ':')}@${where}`);
}

/** `wiki/copy/vault` is of the kind `copy/vault`. */
function isOfNewKind(step) {
  if (STEPS_INSIDE !== 'kinds') return true;
  const kind = step.slice(step.indexOf('/') + 1);
  if (!kinds.has(kind)) kinds.set(kind, step);
  return kinds.get(kind) === step;
}

globalThis.stepPoints = async function stepPoints(runStep, waits, body) {
  const { activityId } = activityInfo();
  // A number is what Temporal gives to those that are no steps of a graph: pings and alerts.
  if (/^\d+$/.test(activityId)) return runStep(waits, body);
  reach(activityId, 'entered');
  const result = await runStep(waits, async (work) => {
    const isCopy = activityId.includes('/copy/');
    const isLate = isCopy && activityId.length % 2 === 1;
    const meet = () => reach(activityId, 'inside');
    const timer = isCopy ? undefined : setTimeout(meet, MIDDLE);
    const progress = (report) => {
      // Every other copy is met when all is sent, and the rest with its first bytes: what lacks then is not the same.
      if (report.bytes > 0 && (!isLate || report.bytes === report.total)) meet();
      work.progress(report);
    };
    try {
      const done = await body({ ...work, progress });
      meet();
      if (what === 'hold') while (isHeld(activityId, 'inside')) await pause(20);
      return done;
    } finally {
      clearTimeout(timer);
    }
  });
  reach(activityId, 'left');
  return result;
};

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/activities/activity-work.ts')) return loaded;
    const source = Buffer.from(loaded.source ?? '').toString();
    const declaration = /export async function runStep(?=<)/;
    if (!declaration.test(source)) throw new Error('activities/activity-work.ts exports no function runStep');
    const wrapper =
      'export function runStep(waits, body) { return globalThis.stepPoints(original_runStep, waits, body); }';
    return { ...loaded, source: source.replace(declaration, `${wrapper} async function original_runStep`) };
  },
});
