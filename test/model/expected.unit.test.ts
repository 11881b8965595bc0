import assert from 'node:assert/strict';
import { expectedTime, NEWEST } from '../../model/proof/expected.ts';

describe('how long a restore will take', () => {
  const took = (restore: number, bytes: number) => ({ restore, check: 7, bytes });

  it('is not said where nothing was measured, nor by one that restored nothing', () => {
    assert.equal(expectedTime(1000, []), null);
    assert.equal(expectedTime(1000, [took(5, 0)]), null);
  });

  it('goes by bytes, and by the middle of those that were measured: a single slow one does not decide', () => {
    assert.equal(expectedTime(2000, [took(10, 1000)]), 20);
    assert.equal(expectedTime(1000, [took(10, 1000), took(9000, 1000), took(12, 1000)]), 12);
    assert.equal(expectedTime(1000, [took(10, 1000), took(20, 1000)]), 15);
  });

  it('goes by the newest few alone', () => {
    const newest = Array.from({ length: NEWEST }, () => took(10, 1000));
    assert.equal(expectedTime(1000, [...newest, ...Array.from({ length: 20 }, () => took(9999, 1000))]), 10);
  });
});
