import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { SignalPoint } from '../../support/worker-process.ts';
import { describeInPlaceByWorker } from './in-place-worker.ts';

describeInPlaceByWorker('restore --in-place whose worker is killed', (by) => {
  const kills = [
    // It is restored beside the data, and nobody but the journal knows.
    { at: 'activities/operations/in-place/make-ready.ts#makeReady', when: 'left' },
    // All is done, and nobody has heard of it.
    { at: 'activities/operations/in-place/index.ts#restoreInPlace', when: 'left' },
    // The full behind it is sealed, and nobody has heard of it.
    { at: 'activities/operations/in-place/back-up-again.ts#backUpAgain', when: 'left' },
  ] satisfies readonly SignalPoint[];
  for (const point of kills) {
    it(`P49 goes on with the next one, and does nothing twice (${point.at})`, async () => {
      const fulls = await by.fulls();
      const { restoring } = await by.restoreUntil(point);
      await by.worker();
      const ended = await restoring;
      assert.equal(ended.code, 0, ended.stderr);
      await by.isRestored();
      assert.equal(await by.fulls(), fulls + 1);
      const steps = await by.stepsOf(ended);
      assert.ok(steps.every(([, state]) => state === 'done'));
      assert.equal(
        steps.reduce((sum, [, , attempts]) => sum + attempts, 0),
        3,
      );
    });
  }

  it('and cancelled before the next one is there, that takes it back', async () => {
    await by.worker({ point: { at: 'activities/operations/in-place/folders.ts#moveTo', when: 'left', nth: 2 } });
    const cut = by.startRestore();
    await cut.printed('restored by the worker');
    await by.reached();
    cut.kill('SIGINT');
    await cut.printed('Cancelling');
    await by.worker();
    const { code } = await cut.ended;
    assert.equal(code, 130, cut.output());
    await by.isAsBefore();
  });

  it('frozen in the middle it goes back when it wakes, and the next one begins again: never two at once', async () => {
    const point = { at: 'activities/operations/in-place/folders.ts#moveTo', when: 'left', nth: 2 } as const;
    const { restoring } = await by.restoreUntil({ ...point, signal: 'SIGSTOP' });
    const endOther = await by.beside();
    // Longer than its heartbeats may be away.
    await pause(5000);
    by.wake();
    const { code, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    await by.isRestored();
    await endOther();
  });

  it('stopped in the middle goes back, and begins again with the next one', async () => {
    const point = { at: 'activities/operations/in-place/server.ts#startIfDown', signal: 'HOLD' } as const;
    const { restoring } = await by.restoreUntil(point);
    await by.stop();
    await by.isAsBefore(['data.failed']);
    await by.worker();
    const { code, stderr } = await restoring;
    assert.equal(code, 0, stderr);
    await by.isRestored(['data.before', 'data.failed']);
  });
});
