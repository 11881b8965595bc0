import assert from 'node:assert/strict';
import { newestChainsFirst, type Member } from '../../model/chain-order.ts';

describe('the order in which owed backups are copied', () => {
  it('is the newest chain first, over all sources, and in each parents before children', () => {
    const owed = [
      member('db', 1, 'full'),
      member('db', 2, 'incremental'),
      member('db', 3, 'full'),
      member('db', 4, 'incremental'),
      member('db', 6, 'incremental'),
      member('wiki', 1, 'full'),
      member('wiki', 5, 'incremental'),
    ];
    const expected = ['db 3', 'db 4', 'db 6', 'wiki 1', 'wiki 5', 'db 1', 'db 2'];
    assert.deepEqual(newestChainsFirst(owed).map(nameOf), expected);
    assert.deepEqual(newestChainsFirst(owed.toReversed()).map(nameOf), expected, 'however they came');
  });

  it('begins with what is left of a chain whose full is there already', () => {
    const owed = [member('db', 5, 'incremental'), member('db', 4, 'incremental'), member('db', 6, 'full')];
    assert.deepEqual(newestChainsFirst(owed).map(nameOf), ['db 6', 'db 4', 'db 5']);
  });

  function member(source: string, day: number, kind: Member['kind']): Member {
    return { source, kind, scheduled: `2026-11-0${day}T02:00:00Z` };
  }

  function nameOf({ source, scheduled }: Member): string {
    return `${source} ${Number(scheduled.slice(8, 10))}`;
  }
});
