import assert from 'node:assert/strict';
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
