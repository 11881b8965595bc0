/** A drill of a database and files, killed at every boundary of every step of its graph and inside each: first its worker, then Temporal. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readDrills } from '../../../activities/operations/drill/read.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import { DECLARE, MEASURE } from '../../../model/drill/steps.ts';

import { processesNaming } from '../../support/processes.ts';
import { mark } from '../contents.ts';
import { startRunOf, type Run } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireNoProcess } from '../sound.ts';
import { hitFolder, killAtEach, killTemporalAtEach, POINTS, requireEveryPoint } from '../step-kills.ts';
import type { Trial } from '../trial.ts';

/** Steps of a drill that no worker does. */
const OWN = new Set([DECLARE, MEASURE]);

export const drillKilled: readonly Scenario[] = [
  {
    kind: 'drill killed',
    title: 'P49 the worker, at every boundary of every step and inside it (db, stack)',
    sources: ['db', 'stack'],
    minutes: 10,
    async play(trial) {
      const hit = await prepare(trial);
      const { run, deaths } = await killAtEach(trial, { hit, points: POINTS, start: () => drill(trial) });
      const { steps, met } = await requireEveryPoint(trial, run, { hit, points: POINTS, own: OWN });
      assert.equal(deaths, met);
      await requireDrilled(trial, run);
      return `${deaths} deaths at ${steps} steps in one drill: complete, one record, nothing left`;
    },
  },
  {
    kind: 'drill killed',
    title: 'P49 Temporal, while one step of each kind is at work (db, stack)',
    sources: ['db', 'stack'],
    alone: 'all',
    minutes: 6,
    async play(trial) {
      const hit = await prepare(trial);
      const points = ['inside'] as const;
      const { run, kills } = await killTemporalAtEach(trial, { hit, points, start: () => drill(trial) });
      const { steps, met } = await requireEveryPoint(trial, run, { hit, points, inside: 'kinds', own: OWN });
      assert.equal(kills, met);
      await requireDrilled(trial, run);
      return `${kills} deaths at ${steps} steps in one drill: complete, one record, nothing left`;
    },
  },
];

/** A backup of all, by a worker that lives. @returns the folder of the points. */
async function prepare(trial: Trial): Promise<string> {
  const waits = { deadline: '30m', retryFirst: '50ms', retryMax: '200ms', heartbeat: '2s', standstill: '30s' };
  await trial.configure((config) => ({
    ...config,
    sources: {
      ...config.sources,
      db: {
        ...(config.sources['db'] ?? assert.fail('no db')),
        probes: [{ name: 'filling', query: 'SELECT count(*) FROM filling', database: 'postgres', expect: '20000' }],
      },
    },
    plans: { ...config.plans, drill: { ...waits, scratch: scratchOf(trial), beside: 1 } },
  }));
  await mark(trial, 0);
  const worker = await trial.worker();
  requireComplete(await (await trial.run()).report());
  await worker.end();
  return hitFolder(trial);
}

function drill(trial: Trial): Promise<Run> {
  const input = { site: trial.name, plan: 'drill', scheduled: trial.time(1), sources: [...trial.sources] };
  return startRunOf(trial.lab.temporal, input);
}

function scratchOf({ folder }: Trial): string {
  return path.join(folder, 'scratch');
}

/** All is back, nothing is left, and the clock ran through all of it. */
async function requireDrilled(trial: Trial, run: Run): Promise<void> {
  const report = await run.report();
  requireComplete(report);
  const { drill: drilled } = report;
  assert.ok(drilled);
  requireClock(drilled);
  for (const { source, probes } of drilled.sources)
    assert.ok(probes.length > 0 && probes.every(({ ok }) => ok), `${source}: ${JSON.stringify(probes)}`);
  const { read, problems } = await readDrills(await trial.site());
  assert.deepEqual([read.map(({ runId, rto }) => [runId, rto]), problems], [[[run.id, drilled.rto]], []], 'one record');
  assert.deepEqual(await readdir(scratchOf(trial)), [], 'nothing is left of what was recovered');
  assert.deepEqual(processesNaming(scratchOf(trial)), [], 'and no server');
  await requireNoProcess(trial);
}

/** From the declaration to the last green probe, whoever died meanwhile. */
function requireClock({ declared, rto, sources }: DrillReport): void {
  assert.ok(declared !== null && rto !== null);
  const green = sources.flatMap(({ steps }) =>
    steps.flatMap(({ name, ended }) => (name === 'probe' && ended ? [ended] : [])),
  );
  assert.equal(green.length, sources.length);
  const last = Math.max(...green.map((time) => Date.parse(time)));
  assert.ok(
    rto >= last - Date.parse(declared),
    `${rto} ms, and the last probe was green ${last - Date.parse(declared)} ms after`,
  );
}
