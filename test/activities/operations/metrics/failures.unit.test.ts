import assert from 'node:assert/strict';
import { count } from '../../../../activities/operations/metrics/failures.ts';
import type { Outcome, RecoveryPoint } from '../../../../model/recovery-point.ts';

const NOTHING = { totals: {}, points: {} };

describe('failures, counted from recovery points', () => {
  it('count once each, where they failed; a source that was complete has a zero to rise from', () => {
    const points = [
      point('daily-1', { db: ['failed', 'capture: no password'], wiki: ['partial', 'copy to vault: no route'] }),
      point('daily-2', { db: ['complete', null], wiki: ['complete', null] }),
    ];
    const once = count(NOTHING, points);
    assert.deepEqual(named(once), { 'db daily ': 1, 'wiki daily ': 0, 'wiki daily vault': 1 });
    assert.equal(count(once, points), once, 'nothing is new: nothing is to be remembered');
  });

  it('never fall: not by a run that is made up for, nor when retention deletes a recovery point', () => {
    const before = count(NOTHING, [point('daily-1', { db: ['failed', 'capture: …'] })]);
    const repaired = count(before, [point('daily-1', { db: ['complete', null] }, '2026-11-23T05:00:00Z')]);
    assert.deepEqual(named(repaired), { 'db daily ': 1 });
    const deleted = count(repaired, [point('daily-2', { db: ['complete', null] })]);
    assert.deepEqual(named(deleted), { 'db daily ': 1 });
    const again = count(deleted, [point('daily-2', { db: ['failed', 'capture: …'] }, '2026-11-24T05:00:00Z')]);
    assert.deepEqual(named(again), { 'db daily ': 2 });
  });

  function named({ totals }: { readonly totals: Readonly<Record<string, number>> }): Readonly<Record<string, number>> {
    return Object.fromEntries(
      Object.entries(totals).map(([key, total]) => {
        const { source, plan, destination } = JSON.parse(key);
        return [`${source} ${plan} ${destination}`, total];
      }),
    );
  }

  function point(
    id: string,
    sources: Readonly<Record<string, readonly [Outcome, string | null]>>,
    created = '2026-11-23T03:00:00Z',
  ): RecoveryPoint {
    return {
      schema: 'mosaic-backup/recovery-point@1',
      id,
      site: 'test',
      plan: 'daily',
      scheduled: '2026-11-23T02:00:00Z',
      created,
      outcome: 'partial',
      sources: Object.entries(sources).map(([source, [outcome, error]]) => ({
        source,
        outcome,
        backup: null,
        stale: false,
        copies: [],
        error,
      })),
      signature: { keyId: 'k', ed25519: 's' },
    };
  }
});
