import assert from 'node:assert/strict';
import { select } from '../../../../activities/sources/mariadb/select.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { RestoreTarget } from '../../../../model/target.ts';
import { testBackup } from '../../../support/backups.ts';

const END = { kind: 'end' } as const;
const FULL = '2026-11-24T02:00:00Z';
const [EARLIER, LATER] = ['2026-11-24T01:00:00Z', '2026-11-24T03:00:00Z'];

const BASE = testBackup({
  fields: {
    type: 'mariadb',
    started: FULL,
    finished: FULL,
    position: {
      method: 'physical',
      lsnFolder: 'x',
      fromLsn: '0',
      toLsn: '1',
      lastLsn: '1',
      binlogFile: 'mysql-bin.000005',
      binlogPosition: 400,
      gtid: '0-1-50',
      lineage: 'data',
      endedAt: FULL,
    },
  },
}).manifest;

interface Logs {
  readonly lineage: string;
  readonly gtids: readonly [string, string];
  readonly finished: string;
  readonly dataFolder?: string;
  readonly coversUntil?: string;
}

/** Files four to six. */
function logs({ lineage, gtids: [gtidStart, gtidEnd], finished, coversUntil = LATER, ...more }: Logs): Manifest {
  const files = { firstFile: 'mysql-bin.000004', lastFile: 'mysql-bin.000006' };
  const position = { method: 'binlog', lineage, ...files, gtidStart, gtidEnd, coversUntil, ...more };
  const artifacts = [4, 5, 6].map((number) => ({
    role: 'binlog',
    name: `binlog.00000${number}.zst.age`,
    bytes: 1,
    sha256: '0'.repeat(64),
    plainBytes: 1,
  }));
  const fields = {
    type: 'mariadb',
    kind: 'logs',
    tier: null,
    id: lineage,
    finished,
    position,
    coversUntil,
    artifacts,
  };
  return testBackup({ fields }).manifest;
}

function chosen(...all: readonly Manifest[]): readonly string[] {
  return chosenFor(END, ...all);
}

function chosenFor(target: RestoreTarget, ...all: readonly Manifest[]): readonly string[] {
  const selection = select(BASE, all, target);
  return selection.reached ? selection.logs.map(({ id }) => id) : [];
}

describe('the first binary logs behind a full of MariaDB', () => {
  const gtids = ['0-1-40', '0-1-60'] as const;

  it('P51 are those of the same data folder that hold its file and GTID, whatever the clock says', () => {
    const own = logs({ lineage: 'own', gtids, finished: EARLIER, dataFolder: 'data' });
    assert.deepEqual(chosen(own), ['own']);
    const other = logs({ lineage: 'other', gtids, finished: LATER, dataFolder: 'another' });
    assert.deepEqual(chosen(other, own), ['own'], 'older data were put back by hand: file and GTID fit to both');
  });

  it('P51 are those that reach furthest, where files were shipped once more', () => {
    const own = logs({ lineage: 'own', gtids, finished: EARLIER, dataFolder: 'data' });
    const more = { ...own.position, lastFile: 'mysql-bin.000005', gtidEnd: '0-1-55' };
    const shorter = { ...own, id: 'shorter', position: more };
    assert.deepEqual(chosen(shorter, own), ['own']);
    assert.deepEqual(chosen(own, shorter), ['own']);
  });

  it('P51 are never of a history that ended before it, or began behind it', () => {
    for (const range of [
      ['0-1-20', '0-1-49'],
      ['0-1-51', '0-1-60'],
    ] as const)
      assert.deepEqual(chosen(logs({ lineage: 'own', gtids: range, finished: LATER, dataFolder: 'data' })), []);
    // A domain of which the file knows nothing says nothing.
    const replica = { ...BASE, position: { ...BASE.position, gtid: '0-1-50,7-1-9' } };
    assert.equal(
      select(replica, [logs({ lineage: 'own', gtids, finished: LATER, dataFolder: 'data' })], END).reached,
      true,
    );
  });

  it('P21 are those of its own time, where RESET MASTER began names and GTIDs of the same data folder anew', () => {
    const of = { gtids, finished: LATER, dataFolder: 'data' } as const;
    const [MUCH_LATER, between] = ['2026-11-24T05:00:00Z', '2026-11-24T02:30:00Z'];
    const before = logs({ ...of, lineage: 'before', coversUntil: EARLIER });
    const own = logs({ ...of, lineage: 'own' });
    const more = { ...own.position, firstFile: 'mysql-bin.000001', lastFile: 'mysql-bin.000009' };
    const after = logs({ ...of, lineage: 'after', coversUntil: MUCH_LATER });
    const longer = { ...after, position: { ...after.position, ...more, lineage: 'after', coversUntil: MUCH_LATER } };
    for (const order of [
      [before, own, longer],
      [longer, own, before],
    ]) {
      assert.deepEqual(chosen(...order), ['own']);
      assert.deepEqual(chosenFor({ kind: 'time', time: between }, ...order), ['own']);
    }
    assert.deepEqual(chosen(before, logs({ ...of, lineage: 'elsewhere', gtids: ['0-1-60', '0-1-70'] })), []);
    const soon = { ...BASE, position: { ...BASE.position, endedAt: '2026-11-24T02:00:00.9Z' } };
    const atOnce = logs({ ...of, lineage: 'own', coversUntil: FULL });
    assert.equal(select(soon, [atOnce, longer], END).reached, true, 'the clock of logs has whole seconds');
    assert.deepEqual(chosen(before), ['before'], 'none came later: the clock of the server was set back');
  });

  it('P21 are followed by none that begin elsewhere than they end, though the numbers of files go on', () => {
    const own = logs({ lineage: 'own', gtids, finished: LATER, dataFolder: 'data' });
    const seventh = { firstFile: 'mysql-bin.000007', lastFile: 'mysql-bin.000007', gtidEnd: '0-1-70' };
    const artifacts = own.artifacts.slice(0, 1).map((one) => Object.assign({}, one, { name: 'binlog.000007.zst.age' }));
    for (const [gtidStart, runs] of [
      ['0-1-60', ['own', 'next']],
      ['0-1-61', ['own']],
      ['0-1-59', ['own']],
    ] as const) {
      const next = { ...own, id: 'next', artifacts, position: { ...own.position, ...seventh, gtidStart } };
      assert.deepEqual(chosen(own, next), runs);
    }
  });

  it('P19 lead to no GTID of a domain that nobody has seen, and to nothing before it', () => {
    const own = logs({ lineage: 'own', gtids, finished: LATER, dataFolder: 'data' });
    assert.deepEqual(chosenFor({ kind: 'before', position: '0-1-60' }, own), ['own']);
    for (const position of ['7-1-1', '7-1-0'])
      for (const kind of ['before', 'position'] as const) assert.deepEqual(chosenFor({ kind, position }, own), []);
  });

  it('P51 where they do not say which data folder wrote them, none that were sealed before it', () => {
    assert.deepEqual(chosen(logs({ lineage: 'own', gtids, finished: LATER })), ['own']);
    assert.deepEqual(chosen(logs({ lineage: 'own', gtids, finished: EARLIER })), []);
    assert.deepEqual(chosen(logs({ lineage: 'own', gtids, finished: LATER, dataFolder: 'moved' })), ['own']);
  });
});
