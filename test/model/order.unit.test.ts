import assert from 'node:assert/strict';
import { orderBehind, orderOf } from '../../model/manifest.ts';

const [ONE, TWO] = ['2026-11-24T02:00:00.000Z', '2026-11-24T02:00:01.000Z'];

describe('the order of backups of one source', () => {
  it('P51 is the clock’s as long as that goes on, and nothing is written of it', () => {
    assert.deepEqual(orderBehind(ONE, []), {});
    assert.deepEqual(orderBehind(TWO, [{ finished: ONE }]), {});
  });

  it('P51 is behind all that were sealed before, where the clock was set back or stood', () => {
    const back = { finished: ONE, ...orderBehind(ONE, [{ finished: TWO }, { finished: ONE }]) };
    assert.deepEqual(back.order, '2026-11-24T02:00:01.001Z');
    const next = { finished: ONE, ...orderBehind(ONE, [{ finished: TWO }, back]) };
    assert.ok(orderOf({ finished: TWO }) < orderOf(back) && orderOf(back) < orderOf(next));
  });
});
