/** Temporal cannot be reached for long: longer than heartbeats, retries, and the deadline of a step. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { openProxy, type Proxy } from '../../support/proxy.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound } from '../sound.ts';
import { SLOW, slowly, underWay, type Trial } from '../trial.ts';

/**
 * Many times the time-out of heartbeats (2 s) and the longest pause between attempts (0.5 s), in milliseconds. It stands for an hour, which
 * cannot be played by another clock: all that runs out meanwhile does so by the clock of Temporal, whose program is static and asks the
 * kernel for the time, past any library that is loaded before it. That of the worker is moved in `clock.ts`.
 */
const AWAY = 10_000;

export const temporalAway: readonly Scenario[] = [
  unreachable('its connections broken', (link) => link.cut(), true),
  // That a connection is dead the SDK finds out within a minute, after which it makes a new one.
  unreachable('its connections dead without a word', (link) => link.stall()),
  {
    kind: 'Temporal unreachable',
    title: 'a machine that is off for longer than the deadline of a capture: what it was at is done again (stack)',
    sources: ['stack'],
    alone: 'all',
    async play(trial) {
      const server = trial.lab.temporal;
      await captureDeadline(trial, '6s');
      await slowly(trial, 'stack', SLOW.stack);
      const worker = await trial.worker();
      const run = await trial.run();
      await underWay(trial, 'stack');
      worker.kill('SIGKILL');
      await server.kill();
      await slowly(trial, 'stack', undefined);
      await pause(8_000);
      await server.start();
      await trial.worker();
      requireComplete(await run.report());
      await captureDeadline(trial, '60s');
      await requireSound(trial, 1);
      return 'went on by itself';
    },
  },
];

function unreachable(how: string, lose: (link: Proxy) => void, everyTime = false): Scenario {
  return {
    kind: 'Temporal unreachable',
    title: `from the worker in the middle of a capture, ${how}, for ${AWAY / 1000} s (stack)`,
    sources: ['stack'],
    everyTime,
    async play(trial) {
      const link = await openProxy(trial.lab.temporal.address);
      try {
        await captureDeadline(trial, '150s');
        await slowly(trial, 'stack', SLOW.stack);
        const worker = await trial.worker(undefined, link.address);
        const run = await trial.run();
        await underWay(trial, 'stack');
        lose(link);
        await slowly(trial, 'stack', undefined);
        await pause(AWAY);
        assert.ok(worker.running(), 'it waits for Temporal');
        link.mend();
        requireComplete(await run.report());
        assert.ok(worker.running(), 'the same worker did it');
        await requireSound(trial, 1);
      } finally {
        await trial.end();
        await link.close();
      }
      return 'waited for it; nothing twice';
    },
  };
}

function captureDeadline(trial: Trial, deadline: string): Promise<void> {
  return trial.configure((config) => ({
    ...config,
    plans: { ...config.plans, daily: { ...config.plans?.daily, captureDeadline: deadline } },
  }));
}
