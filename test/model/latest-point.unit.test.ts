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

  it('is none of a run that took older backups than one before it: that of the archive takes fulls of the last seven days', () => {
    const archived = naming('monthly-4', { db: '22', cache: '22' });
    const daily = naming('daily-3', { db: '25', cache: '25' });
    const before = naming('daily-2', { db: '24', cache: '24' });
    const weekly = naming('weekly-1', { db: '22', cache: '22' });
    assert.deepEqual(chosen([archived, daily, before, weekly], ['db', 'cache']), ['daily-3', []]);
    const single = naming('daily-5', { db: '26' });
    assert.deepEqual(chosen([single, archived, daily], ['db', 'cache']), ['daily-3', ['daily-5']]);
    assert.deepEqual(chosen([archived, weekly], ['db', 'cache']), ['monthly-4', []], 'the same in both');
    const mixed = naming('daily-4', { db: '24', cache: '26' });
    assert.deepEqual(chosen([mixed, daily], ['db', 'cache']), ['daily-4', []], 'not older in all');
    const nothing = naming('daily-4', { db: null, cache: null });
    assert.deepEqual(chosen([nothing, daily], ['db', 'cache']), ['daily-3', []]);
  });

  /** @param days of November on which the backups of its sources were made. */
  function naming(id: string, days: Readonly<Record<string, string | null>>): RecoveryPoint {
    const sources = Object.entries(days).map(([source, day]) => ({
      source,
      backup: day === null ? null : { reference: `daily/${source}/202611${day}T020000Z-full`, sha256: 'a'.repeat(64) },
    }));
    return { id, sources } as unknown as RecoveryPoint;
  }

  function chosen(points: readonly RecoveryPoint[], wanted: readonly string[]): unknown {
    const found = latestPoint(points, wanted);
    return [found?.point.id, found?.narrower.map(({ id }) => id)];
  }

  function of(id: string, ...sources: readonly string[]): RecoveryPoint {
    return { id, sources: sources.map((source) => ({ source })) } as unknown as RecoveryPoint;
  }
});
