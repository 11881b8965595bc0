import assert from 'node:assert/strict';
import { isTornDown, TEAR_DOWN } from '../../../model/drill/steps.ts';
import { timedStep } from '../../support/drills.ts';

describe('the steps of a drill', () => {
  it('tell whether it is over: once it is torn down, whether or not that went well', () => {
    const restored = timedStep({ id: 'wiki/restore', from: 2, to: 3 });
    assert.equal(isTornDown({ steps: [restored] }), false);
    assert.equal(isTornDown({ steps: [restored, timedStep({ id: TEAR_DOWN, from: 3, to: null })] }), false);
    for (const state of ['done', 'failed'] as const)
      assert.equal(isTornDown({ steps: [restored, timedStep({ id: TEAR_DOWN, from: 3, to: 4, state })] }), true, state);
  });
});
