/** The machine is started anew while a run sleeps until its next phase. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { readGraph } from '../../../client/runs/graph.ts';
import { timedRun, type TimedRun } from '../../support/timed-run.ts';
import { until } from '../../support/until.ts';
import { followRun } from '../run.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireNoProcess, requireWhole } from '../sound.ts';
import type { Trial } from '../trial.ts';

export const phases: readonly Scenario[] = [
  rebooted('and is back before its time: it begins then, and not before', { off: 0, wait: 18_000, ago: 0 }, true),
  rebooted('and is back after its time: it begins at once', { off: 25_000, wait: 20_000, ago: 5 }),
];

function rebooted(
  how: string,
  { off, wait, ago }: { readonly off: number; readonly wait: number; readonly ago: number },
  everyTime = false,
): Scenario {
  return {
    kind: 'reboot',
    title: `while a run sleeps until its phase, ${how} (stack)`,
    sources: ['stack'],
    alone: 'all',
    everyTime,
    async play(trial) {
      const { temporal } = trial.lab;
      // Its start takes as long as the machine is busy. It reads the config anew with each step.
      const worker = await trial.worker();
      const timed = timedRun(trial.name, wait, ago);
      await trial.configure((config) => ({
        ...config,
        plans: { ...config.plans, daily: { ...config.plans?.daily, ...timed.plan } },
      }));
      // As the schedule does: the time is in the id alone.
      const args = [{ site: trial.name, plan: 'daily' }];
      const how = { workflowId: timed.id, taskQueue: trial.name, args };
      await temporal.client().workflow.start('dailyBackup', how);
      await until('it sleeps', async () => (await stateOf(trial, timed))?.next ?? false);
      assert.ok(Date.now() < timed.begins, 'this machine is too slow for this test');
      worker.kill('SIGKILL');
      await temporal.kill();
      await pause(off);
      await temporal.start();
      await trial.worker();
      const back = Date.now();
      const report = await followRun(temporal, timed.id).report();
      requireComplete(report);
      const step = await stateOf(trial, timed);
      const started = Date.parse(step?.started ?? '');
      assert.ok(started >= Math.floor(timed.begins / 1000) * 1000, `${step?.started} is before its time`);
      assert.ok(started < Math.max(timed.begins, back) + 15_000, `${step?.started} is late`);
      await requireWhole(trial);
      await requireNoProcess(trial);
      return 'went on at its time';
    },
  };
}

async function stateOf({ lab }: Trial, { id }: TimedRun) {
  const graph = await readGraph(lab.temporal.client(), id).catch(() => undefined);
  return graph?.steps.find((step) => step.id === 'stack/capture');
}
