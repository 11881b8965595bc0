import assert from 'node:assert/strict';
import { catchUpOutcome, type Delivered } from '../../model/catch-up.ts';
import { copiesConditions } from '../../model/copies-alerts.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-26T12:00:00Z');
const STEADY = { alertAfter: DAY, removable: false };
const DISK = { alertAfter: 7 * DAY, removable: true };

describe('alerts of destinations that are behind', () => {
  it('come once the oldest owed copy is older than allowed, and say what stands in the way', () => {
    const late = delivered({ since: '2026-11-25T02:00:00Z', state: 'unreachable', message: 'The disk is gone.' });
    const [alert, ...others] = copiesConditions([late], () => STEADY, NOW);
    assert.deepEqual(others, []);
    assert.equal(alert?.alert, 'copies-behind');
    assert.equal(alert.key, 'copies-behind/vault/stack1');
    assert.match(
      alert.message,
      /vault lacks 2 backups \(1\.0 KiB\) of stack1, the oldest since 1d 10h\. The disk is gone\./,
    );
    assert.equal(alert.remedy, 'Mount it.');
    assert.deepEqual(
      copiesConditions([delivered({ since: '2026-11-26T02:00:00Z' })], () => STEADY, NOW),
      [],
    );
  });

  it('of a removable disk come by the age of its newest copy', () => {
    const owed = delivered({ since: '2026-11-20T02:00:00Z', newest: '2026-11-19T02:00:00Z', state: 'absent' });
    assert.match(copiesConditions([owed], () => DISK, NOW)[0]?.message ?? '', /its newest copy is 7d 10h old/);
    const younger = { ...owed, newest: '2026-11-20T02:00:00Z' };
    assert.deepEqual(
      copiesConditions([younger], () => DISK, NOW),
      [],
    );
    // One that never held anything is late since what it owes first.
    assert.equal(copiesConditions([{ ...owed, newest: null }], () => ({ ...DISK, alertAfter: DAY }), NOW).length, 1);
  });

  it('never come of one that is served, or could not be looked at', () => {
    const served = delivered({ backups: 0, since: null, newest: '2020-01-01T00:00:00Z' });
    const unknown = { ...delivered({}), behind: null };
    assert.deepEqual(
      copiesConditions([served, unknown], () => STEADY, NOW),
      [],
    );
  });

  it('a tick is complete with an absent disk and a closed window, partial with a place that is down', () => {
    const [absent, waiting] = [delivered({ state: 'absent' }), delivered({ state: 'waiting' })];
    const served = delivered({ state: 'served', backups: 0, since: null });
    assert.equal(catchUpOutcome([served, absent, waiting]), 'complete');
    assert.equal(catchUpOutcome([served, delivered({ state: 'unreachable' })]), 'partial');
    assert.equal(catchUpOutcome([delivered({ state: 'failed' })]), 'failed');
    assert.equal(catchUpOutcome([]), 'complete');
  });

  interface Of {
    readonly state?: Delivered['state'];
    readonly backups?: number;
    readonly since?: string | null;
    readonly newest?: string | null;
    readonly message?: string;
  }

  function delivered({
    state = 'behind',
    backups = 2,
    since = '2026-11-20T02:00:00Z',
    newest = null,
    message,
  }: Of): Delivered {
    const errors =
      message === undefined ? [] : [{ step: 'copy to vault', code: 'unreachable', message, remedy: 'Mount it.' }];
    return {
      destination: 'vault',
      host: 'stack1',
      state,
      copied: { backups: 0, bytes: 0, records: 0 },
      milliseconds: 0,
      behind: { backups, bytes: 1024, since, records: 0 },
      newest,
      errors,
    };
  }
});
