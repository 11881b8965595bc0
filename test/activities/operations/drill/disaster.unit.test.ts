import assert from 'node:assert/strict';
import { disasterOf } from '../../../../activities/operations/drill/disaster.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import type { Scenario } from '../../../../model/drill/drill.ts';
import { RECOVERY_POINT_SCHEMA, type RecoveryPoint } from '../../../../model/recovery-point.ts';
import { fullBackup, logsBackup } from '../../../support/entries.ts';

const DECLARED = '2026-11-24T09:00:00.000Z';

/** So many seconds before the declaration; after it, where it is less than none. */
function before(seconds: number): string {
  return new Date(Date.parse(DECLARED) - seconds * 1000).toISOString();
}

/** A full of a database, and logs behind it. */
function database(source: string, taken: number, ...ends: readonly number[]): readonly Catalogued[] {
  const logs = ends.map((end, index) => logsBackup({ source, from: 2 + index, to: 3 + index, at: before(end) }));
  return [fullBackup(before(taken), 2, { source }), ...logs];
}

function point(created: string): RecoveryPoint {
  const scheduled = '2026-11-24T02:00:00Z';
  const run = { id: `daily-${scheduled}`, site: 'test', plan: 'daily', scheduled, created } as const;
  const signature = { keyId: '', ed25519: '' };
  return { schema: RECOVERY_POINT_SCHEMA, ...run, outcome: 'complete', sources: [], signature };
}

interface Seen {
  readonly scenario: Scenario;
  readonly catalogue?: readonly Catalogued[];
  readonly points?: readonly RecoveryPoint[];
  readonly sources?: readonly string[];
  readonly at?: string;
}

function disaster(seen: Seen, runId = 'drill-2026-11-24T08:00:00Z'): string {
  const { scenario, catalogue = [], points = [], sources = ['orders', 'users'], at = null } = seen;
  const objectives = { rpo: null, rto: null };
  const steps = sources.map((source) => ({ source, type: 'postgres' as const, after: [], objectives }));
  return disasterOf([{ catalogue, points }], { runId, scenario, steps, declared: DECLARED, at });
}

/** Those of a year of drills, one a day, in seconds before the declaration; that the same drill has the same is looked at too. */
function moments(seen: Seen): readonly number[] {
  return Array.from({ length: 365 }, (_, day) => {
    const time = new Date(Date.parse(DECLARED) + day * 86_400_000).toISOString().replace('.000', '');
    const moment = disaster(seen, `drill-${time}`);
    assert.equal(disaster(seen, `drill-${time}`), moment);
    return (Date.parse(DECLARED) - Date.parse(moment)) / 1000;
  });
}

/** That they lie between two times, the first inclusive, and all over it. */
function lieBetween(all: readonly number[], earliest: number, latest: number): void {
  for (const each of all) assert.ok(each <= earliest && each > latest, `${each} s before the declaration`);
  assert.ok(new Set(all).size > all.length / 2, 'hardly two are the same');
  for (let part = 0; part < 10; part += 1) {
    const [from, to] = [part, part + 1].map((tenth) => earliest - ((earliest - latest) * tenth) / 10);
    assert.ok(
      all.some((each) => each <= (from ?? 0) && each >= (to ?? 0)),
      `none in tenth ${part}`,
    );
  }
}

describe('the moment of the disaster', () => {
  const orders = database('orders', 7000, 3600, 1800);
  const users = database('users', 7000, 600, 60);

  it('of a mistake is within the last ten minutes that the logs of every source reach', () => {
    lieBetween(moments({ scenario: 'operator-error', catalogue: [...orders, ...users] }), 2400, 1800);
    lieBetween(moments({ scenario: 'operator-error', catalogue: [...users, ...orders] }), 2400, 1800);
    // What is not recovered does not count.
    lieBetween(moments({ scenario: 'operator-error', catalogue: [...orders, ...users], sources: ['users'] }), 660, 60);
  });

  it('of a mistake is not before the backup that its logs follow on', () => {
    const young = database('users', 240, 60);
    lieBetween(moments({ scenario: 'operator-error', catalogue: young }), 240, 60);
  });

  it('of a mistake leans on nothing that was shipped since the declaration, or behind a hole', () => {
    const since = database('users', 7000, 600, -60);
    lieBetween(moments({ scenario: 'operator-error', catalogue: since }), 600, 0);
    assert.equal(disaster({ scenario: 'operator-error', catalogue: database('users', -10, -60) }), DECLARED);
    const holed = [...database('orders', 7000, 3600), logsBackup({ source: 'orders', from: 9, to: 10, at: before(5) })];
    lieBetween(moments({ scenario: 'operator-error', catalogue: [...since, ...holed] }), 4200, 3600);
    assert.equal(disaster({ scenario: 'operator-error', catalogue: database('users', 7000) }), DECLARED);
  });

  it('of an attack is within the ten minutes before the declaration, after the newest recovery point', () => {
    const points = (...created: readonly number[]) => created.map((seconds) => point(before(seconds)));
    lieBetween(moments({ scenario: 'ransomware', points: points(90_000, 3600) }), 600, 0);
    lieBetween(moments({ scenario: 'ransomware', points: points(90_000, 300, 3600) }), 300, 0);
    // One of production, which went on.
    lieBetween(moments({ scenario: 'ransomware', points: points(3600, -60) }), 600, 0);
    lieBetween(moments({ scenario: 'ransomware', catalogue: users }), 600, 0);
  });

  it('is the one that was named, unless it is still to come, and the declaration of what ends everything', () => {
    const all = { catalogue: users, points: [point(before(300))] };
    for (const scenario of ['operator-error', 'ransomware'] as const) {
      assert.equal(disaster({ scenario, ...all, at: before(5000) }), before(5000));
      assert.throws(() => disaster({ scenario, ...all, at: before(-1) }), { code: 'usage' });
    }
    for (const scenario of ['host-lost', 'primary-storage-lost', 'key-lost'] as const)
      assert.equal(disaster({ scenario, ...all }), DECLARED);
  });
});
