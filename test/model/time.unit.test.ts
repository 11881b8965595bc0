import assert from 'node:assert/strict';
import { scheduledTime } from '../../model/time.ts';

describe('the time of a run', () => {
  it('is in UTC, with whole seconds, whatever zone it was said in', () => {
    assert.equal(scheduledTime('2026-11-23T03:00:00.5+01:00'), '2026-11-23T02:00:00Z');
    assert.equal(scheduledTime('2028-02-29T00:00:00Z'), '2028-02-29T00:00:00Z');
  });

  for (const text of ['2026-11-23', '2026-11-23T02:00:00', 'tomorrow', '2026-13-01T00:00:00Z', '2026-11-23T25:00:00Z'])
    it(`is none where it says no moment: ${text}`, () => {
      assert.throws(() => scheduledTime(text), { code: 'usage' });
    });

  it('is none of a day that no calendar has, which would be taken for another day', () => {
    for (const day of ['2026-02-30', '2026-02-29', '2026-11-31'])
      assert.throws(() => scheduledTime(`${day}T02:00:00Z`), { code: 'usage', message: /is not a time/ }, day);
  });
});
