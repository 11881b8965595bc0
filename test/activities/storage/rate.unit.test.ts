import assert from 'node:assert/strict';
import { paceOf, slowestOf } from '../../../activities/storage/rate.ts';

describe('a limit of bandwidth', () => {
  it('is the slowest that anybody said', () => {
    assert.equal(slowestOf(undefined, undefined), undefined);
    assert.equal(slowestOf(2000, undefined), 2000);
    assert.equal(slowestOf(2000, 1000), 1000);
  });

  it('is one over all that share it, and none where there is none', async () => {
    const began = performance.now();
    const pace = paceOf(10_000);
    await Promise.all([pace(500), pace(500), pace(500)]);
    await pace(1);
    // Timers may be a millisecond early.
    assert.ok(performance.now() - began >= 145, `${performance.now() - began} ms for 1,500 bytes`);
    await paceOf(undefined)(Number.MAX_SAFE_INTEGER);
  });

  it('lets go of who is cancelled', async () => {
    await assert.rejects(paceOf(1)(1000, AbortSignal.timeout(1)), { name: 'AbortError' });
  });
});
