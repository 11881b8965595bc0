import assert from 'node:assert/strict';
import { count } from '../../../../activities/operations/metrics/failures.ts';
import type { RecoveryPoint, SourceOutcome } from '../../../../model/recovery-point.ts';

const NOTHING = { totals: {}, failed: {} };

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

  it('are no skips, which a hook of the site wants; a recovery point that is written anew for one source counts the others no second time', () => {
    const sources = { db: ['failed', 'capture: …'], wiki: ['skipped', null], board: ['complete', null] } as const;
    const once = count(NOTHING, [point('daily-1', sources)]);
    assert.deepEqual(named(once), { 'db daily ': 1, 'wiki daily ': 0, 'board daily ': 0 });
    const made = count(once, [point('daily-1', { ...sources, wiki: ['complete', null] }, '2026-11-23T05:00:00Z')]);
    assert.equal(made, once);
    const worse = count(made, [point('daily-1', { ...sources, wiki: ['partial', 'copy to vault: …'] })]);
    assert.deepEqual(named(worse), { ...named(once), 'wiki daily vault': 1 });
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
    sources: Readonly<Record<string, readonly [SourceOutcome, string | null]>>,
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
