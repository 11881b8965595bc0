/**
 * Loaded into a worker under test by `node --import`: it stops at every boundary of every step of a graph, each once, whatever the
 * steps are. The step is the id of its activity, so that a new one is met without being named anywhere.
 *
 * STEPS_HIT   a folder: `<step>@<where>` is made in it when a point is reached, and never reached again
 * STEPS_DO    kill: the process sends itself SIGKILL. hold: it stands still until `<step>@<where>.go` is there
 * STEPS_AT    which of these, by commas: entered (nothing is done), inside (something is), left (it is done, and nobody knows yet)
 */
import { existsSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import path from 'node:path';
import { activityInfo } from '@temporalio/activity';

const { STEPS_HIT: folder, STEPS_DO: what, STEPS_AT = 'entered,inside,left' } = process.env;
const points = new Set(STEPS_AT.split(','));
if (!folder || (what !== 'kill' && what !== 'hold')) throw new Error('STEPS_HIT and STEPS_DO must be set');

/** Milliseconds after which a step that tells no progress counts as in its middle. */
const MIDDLE = 40;

function reach(step, where) {
  if (!points.has(where)) return;
  const file = path.join(folder, `${step.replaceAll('/', ':')}@${where}`);
  try {
    writeFileSync(file, `${process.pid}`, { flag: 'wx' });
  } catch (error) {
    // It was reached before.
    if (error.code === 'EEXIST') return;
    throw error;
  }
  if (what === 'kill') process.kill(process.pid, 'SIGKILL');
  // A signal is delivered a moment later: nothing of the step may run before.
  while (!existsSync(`${file}.go`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}

globalThis.stepPoints = async function stepPoints(runStep, waits, body) {
  const { activityId } = activityInfo();
  // A number is what Temporal gives to those that are no steps of a graph: pings and alerts.
  if (/^\d+$/.test(activityId)) return runStep(waits, body);
  reach(activityId, 'entered');
  const result = await runStep(waits, async (work) => {
    const timer = setTimeout(() => reach(activityId, 'inside'), MIDDLE);
    const progress = (report) => {
      if (report.bytes > 0) reach(activityId, 'inside');
      work.progress(report);
    };
    const done = await body({ ...work, progress });
    clearTimeout(timer);
    reach(activityId, 'inside');
    return done;
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
