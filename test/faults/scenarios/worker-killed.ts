/** SIGKILL of the worker: the next one carries on, and the run ends complete by itself. */
import assert from 'node:assert/strict';
import { processesOf } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { KILL_POINTS, type KillPoint } from '../points.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound, requireWhole } from '../sound.ts';
import { SLOW, slowly, underWay, type SourceName, type Trial } from '../trial.ts';

export const workerKilled: readonly Scenario[] = [
  ...(['db', 'stack', 'wiki', 'cache'] as const).map((source) => inTheMiddle(source)),
  ...KILL_POINTS.flatMap((point) => point.sources.map((source) => atPoint(point, source))),
];

function atPoint(point: KillPoint, source: SourceName): Scenario {
  const { name, sources, everyTime, ...signal } = point;
  return {
    kind: 'worker killed',
    title: `P49 ${name} (${source})`,
    sources: [source],
    everyTime: everyTime === true && source === sources[0],
    async play(trial) {
      const first = await trial.worker(signal);
      const run = await trial.run();
      await trial.at(first, signal);
      return carryOn(trial, run);
    },
  };
}

function inTheMiddle(source: SourceName): Scenario {
  return {
    kind: 'worker killed',
    title: `P42 in the middle of a capture (${source})`,
    sources: [source],
    everyTime: source === 'db',
    async play(trial) {
      await slowly(trial, source, SLOW[source]);
      const first = await trial.worker();
      const run = await trial.run();
      await underWay(trial, source);
      first.kill('SIGKILL');
      await first.ended;
      await slowly(trial, source, undefined);
      return carryOn(trial, run);
    },
  };
}

async function carryOn(trial: Trial, run: Awaited<ReturnType<Trial['run']>>): Promise<string> {
  await until("the end of the dead worker's children", () => processesOf(trial.folder).length === 0, 5000);
  await requireWhole(trial);
  await trial.worker();
  requireComplete(await run.report());
  await requireSound(trial, 1);
  assert.doesNotMatch(trial.printed(), /\berror\b/i);
  return 'went on by itself';
}
