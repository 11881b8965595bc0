import assert from 'node:assert/strict';
import { inOrder } from '../../../../activities/sources/logs-order.ts';
import { select } from '../../../../activities/sources/postgres/logs/select.ts';
import type { LogSelection } from '../../../../activities/sources/types.ts';
import { parseTarget } from '../../../../model/target.ts';
import { fullBackup, logsBackup, lsn, type LogsOptions } from '../../../support/entries.ts';

const FULL = fullBackup('2026-11-23T02:00:00Z', 2).manifest;
/** The server's clock at the end of the base backup, and where the logs end. */
const ENDED = '2026-11-23T02:00:00.123456Z';
const COVERED = '2026-11-23T02:05:00.654321Z';

const BASE = { ...FULL, position: { ...FULL.position, endedAt: ENDED } };

function logs(options: Partial<LogsOptions> = {}) {
  return logsBackup({ from: 2, to: 3, at: COVERED, ...options }).manifest;
}

function selected(target: string, all = [logs()]): LogSelection {
  return select(BASE, all, parseTarget(target));
}

function reached(target: string, all = [logs()]): boolean {
  return selected(target, all).reached;
}

describe('the WAL that a recovery of PostgreSQL needs', () => {
  it('P04 a time is refused by a microsecond before the backup’s end, and by one after the last logs', () => {
    assert.equal(reached('2026-11-23T02:00:00.123455Z'), false);
    assert.equal(reached(ENDED), true);
    assert.equal(reached(COVERED), true);
    assert.equal(reached('2026-11-23T02:05:00.654322Z'), false);
  });

  it('P04 an LSN is refused by a byte before the backup’s end, and where the logs end', () => {
    assert.equal(reached(lsn(2, 299)), false);
    assert.equal(reached(lsn(2, 300)), true);
    assert.equal(reached(lsn(2, 0xff_ff_ff)), true);
    assert.equal(reached(lsn(3)), false);
  });

  it('P03 what is damaged, or of another type, counts as missing, and ends nothing', () => {
    const end = '2026-11-23T02:20:00Z';
    const third = logs({ from: 3, to: 4, at: end });
    const broken = [
      { endLsn: 'x' },
      { startLsn: '0/zz' },
      { segmentBytes: 0 },
      { segments: { x: 1 } },
      { systemId: 1 },
    ];
    const others = [null, {}, { method: 'binlog', lineage: 'aaaaaaaa', firstFile: 'x', lastFile: 'x' }];
    for (const position of [...broken.map((fields) => Object.assign({}, third.position, fields)), ...others]) {
      const one = { ...third, position };
      assert.equal(reached(end, [logs(), third, one]), true);
      assert.equal(reached(end, [logs(), one]), false);
      assert.equal(inOrder([{ manifest: logs() }, { manifest: one }]).length, 2);
    }
    for (const position of [null, { ...BASE.position, endLsn: 'x' }])
      assert.equal(select({ ...BASE, position }, [logs()], parseTarget(COVERED)).reached, false);
  });

  it('P04 a time is not reached by logs of which nobody knows until when they cover', () => {
    const { coversUntil: _unknown, ...some } = logs();
    assert.equal(reached(COVERED, [some]), false);
    assert.equal(reached(COVERED, [some, logs({ from: 3, to: 4 })]), true);
  });

  it('P03 logs of another cluster, of an earlier timeline and behind a hole are not used, and the first that is missing is named', () => {
    const end = '2026-11-23T02:20:00Z';
    const [third, fifth] = [logs({ from: 3, to: 4, at: end }), logs({ from: 4, to: 5, at: end })];
    assert.equal(reached(end, [logs(), third, fifth]), true);
    const hole = selected(end, [logs(), fifth]);
    assert.ok(!hole.reached);
    assert.match(hole.why, /000000010000000000000003 is missing/);
    assert.equal(hole.until, COVERED);
    const again = logs({ from: 2, to: 5, at: end });
    assert.equal(reached(end, [logs(), again]), true, 'the same segment twice, where the repository had lost its logs');
    const names = Object.keys(logs().position?.['segments'] ?? {});
    const other = {
      ...again,
      position: {
        ...again.position,
        segments: { ...Object(again.position?.['segments']), [names[0] ?? '']: 'another' },
      },
    };
    assert.equal(reached(end, [logs(), other]), false, 'another one of its name');
    const foreign = { ...third, position: { ...third.position, systemId: '1' } };
    assert.equal(reached(end, [logs(), foreign]), false);
    const later = { ...BASE, position: { ...BASE.position, timeline: 2 } };
    assert.equal(select(later, [logs(), third], parseTarget(end)).reached, false);
    assert.equal(reached(end, [logs(), logs({ from: 3, to: 4, at: end, gap: 'a hole' })]), false);
  });
});
