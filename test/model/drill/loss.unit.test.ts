import assert from 'node:assert/strict';
import { lossesOf } from '../../../model/drill/loss.ts';

const DECLARED = '2026-03-01T12:00:00Z';

describe('what a disaster took', () => {
  it('is told by everything that tells of it, the most exact first', () => {
    const losses = lossesOf(
      [
        { by: 'backup', time: '2026-03-01T02:00:00Z' },
        { by: 'canary', time: '2026-03-01T11:59:45.500Z' },
        { by: 'commit', time: '2026-03-01T13:50:00+02:00' },
      ],
      DECLARED,
    );
    assert.deepEqual(losses, [
      { by: 'canary', time: '2026-03-01T11:59:45.500Z', milliseconds: 14_500 },
      { by: 'commit', time: '2026-03-01T13:50:00+02:00', milliseconds: 600_000 },
      { by: 'backup', time: '2026-03-01T02:00:00Z', milliseconds: 36_000_000 },
    ]);
    assert.deepEqual(lossesOf([], DECLARED), []);
  });

  it('is nothing, and never less, for what is newer by as much as two clocks differ', () => {
    for (const time of [DECLARED, '2026-03-01T12:00:20Z', '2026-03-01T12:01:00Z']) {
      assert.deepEqual(lossesOf([{ by: 'canary', time }], DECLARED), [{ by: 'canary', time, milliseconds: 0 }]);
    }
  });

  it('is not told by what is later than that, which would pass for nothing lost', () => {
    const backup = { by: 'backup', time: '2026-03-01T11:00:00Z' } as const;
    assert.deepEqual(
      lossesOf([{ by: 'canary', time: '2026-03-01T12:01:01Z' }, backup], DECLARED).map(({ by }) => by),
      ['backup'],
    );
  });
});
