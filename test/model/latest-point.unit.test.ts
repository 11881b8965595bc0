import assert from 'node:assert/strict';
import { latestPoint } from '../../model/latest-point.ts';
import type { RecoveryPoint } from '../../model/recovery-point.ts';

describe('the latest recovery point', () => {
  it('is the newest of the whole stack, and not a newer one of a single source', () => {
    const points = [of('daily-4', 'db'), of('daily-3', 'db', 'cache', 'gone'), of('daily-2', 'db', 'cache', 'files')];
    assert.deepEqual(chosen(points, ['db', 'cache', 'files']), ['daily-2', ['daily-4', 'daily-3']]);
    assert.deepEqual(chosen(points, ['db', 'cache', 'new']), ['daily-3', ['daily-4']]);
    assert.deepEqual(chosen(points, ['db']), ['daily-4', []]);
    assert.deepEqual(chosen(points, ['none']), ['daily-4', []]);
    assert.equal(latestPoint([], ['db']), undefined);
  });

  function chosen(points: readonly RecoveryPoint[], wanted: readonly string[]): unknown {
    const found = latestPoint(points, wanted);
    return [found?.point.id, found?.narrower.map(({ id }) => id)];
  }

  function of(id: string, ...sources: readonly string[]): RecoveryPoint {
    return { id, sources: sources.map((source) => ({ source })) } as unknown as RecoveryPoint;
  }
});
