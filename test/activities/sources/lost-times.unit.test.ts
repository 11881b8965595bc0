import assert from 'node:assert/strict';
import { logsOf } from '../../../activities/sources/index.ts';
import { lostTimes } from '../../../activities/sources/lost-times.ts';
import type { MissingLogs } from '../../../model/logs-run.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { testBackup } from '../../support/backups.ts';
import { fullBackup, logsBackup, type LogsOptions } from '../../support/entries.ts';

/** Minute of one hour. */
function at(minute: number): string {
  return `2026-11-24T01:${String(minute).padStart(2, '0')}:00Z`;
}

function pgFull(segment: number, timeline = 1): Manifest {
  return fullBackup(at(segment), segment, { timeline }).manifest;
}

/** WAL of one segment, which covers until the minute of its end. */
function wal(from: number, options: Partial<LogsOptions> = {}): Manifest {
  return logsBackup({ from, to: from + 1, at: at(from + 1), ...options }).manifest;
}

function ofAnotherCluster(manifest: Manifest): Manifest {
  return { ...manifest, position: { ...manifest.position, systemId: '1' } };
}

interface Files {
  readonly lineage?: string;
  /** Its one file; of an idle time the last that there was. */
  readonly file: number;
  readonly idle?: boolean;
  readonly minute?: number;
}

/** GTIDs are as the numbers of files: file 3 ends with transaction 3. */
function binlog({ lineage = 'aaaaaaaa', file, idle = false, minute = file }: Files): Manifest {
  const name = `mysql-bin.${String(file).padStart(6, '0')}`;
  const [gtidStart, gtidEnd] = [idle ? file : file - 1, file].map((sequence) => `0-1-${sequence}`);
  const position = {
    method: 'binlog',
    lineage,
    firstFile: name,
    lastFile: name,
    gtidStart,
    gtidEnd,
    coversUntil: at(minute),
    idle,
  };
  const fields = {
    kind: 'logs',
    tier: null,
    type: 'mariadb',
    id: `${lineage}-${file}-${minute}`,
    coversUntil: at(minute),
    position,
    finished: at(minute),
  };
  return testBackup({ fields }).manifest;
}

/** Taken in a file, behind the last transaction of the one before. */
function mariadbFull(file: number, minute: number): Manifest {
  const position = {
    method: 'physical',
    lsnFolder: 'x',
    fromLsn: '0',
    toLsn: '1',
    lastLsn: '1',
    binlogFile: `mysql-bin.${String(file).padStart(6, '0')}`,
    binlogPosition: 4,
    gtid: `0-1-${file - 1}`,
    lineage: 'data',
    endedAt: at(minute),
  };
  return testBackup({ fields: { type: 'mariadb', position, started: at(minute), finished: at(minute) } }).manifest;
}

/** @param seen what was there before, besides. */
function lost(
  bases: readonly Manifest[],
  there: readonly Manifest[],
  seen: readonly Manifest[] = [],
): readonly MissingLogs[] {
  const adapter = logsOf(bases[0]?.type ?? 'files');
  assert.ok(adapter);
  const logs = adapter.join(there, { whole: false });
  const before = adapter.join(seen, { whole: true });
  return lostTimes({ bases, logs, whole: adapter.join([...before, ...logs], { whole: true }) });
}

describe('times that are lost with logs that are gone', () => {
  const all = [2, 3, 4, 5, 6].map((segment) => wal(segment));
  const without = (...gone: readonly number[]) => all.filter((_each, index) => !gone.includes(index + 2));

  it('P03 none where nothing is missing, in whatever order the logs come', () => {
    assert.deepEqual(lost([pgFull(2)], all), []);
    assert.deepEqual(lost([pgFull(2)], all.toReversed(), all), []);
    assert.deepEqual(lost([pgFull(2)], [], []), []);
  });

  it('P03 from the logs before a hole, up to the backup behind it or without an end', () => {
    assert.deepEqual(lost([pgFull(2)], without(4)), [{ from: at(4), to: null }]);
    assert.deepEqual(lost([pgFull(2), pgFull(5)], without(4)), [{ from: at(4), to: at(5) }]);
    assert.deepEqual(lost([pgFull(2), pgFull(6)], without(3, 5)), [{ from: at(3), to: at(6) }], 'two holes, one time');
    assert.deepEqual(lost([pgFull(4)], without(2)), [], 'no backup leads to it');
    assert.deepEqual(lost([pgFull(2), pgFull(3)], without(3, 4)), [{ from: at(3), to: null }], 'a backup in the hole');
  });

  it('P03 what was seen is missed where it leaves no hole: the first behind a backup, the last, all of them', () => {
    assert.deepEqual(lost([pgFull(2)], without(2, 3)), [], 'shipping may have begun later');
    assert.deepEqual(lost([pgFull(2)], without(2, 3), all), [{ from: at(2), to: null }]);
    assert.deepEqual(lost([pgFull(2)], without(6), all), [{ from: at(6), to: null }]);
    assert.deepEqual(lost([pgFull(2), pgFull(4)], [], all), [{ from: at(2), to: null }], 'backups alone are no way');
    assert.deepEqual(lost([pgFull(2), pgFull(9)], without(6), all), [{ from: at(6), to: null }], 'nor an end of it');
    assert.deepEqual(lost([pgFull(2)], all, without(3)), [], 'it is back');
  });

  it('P03 a hole that was told of when it came is none, and what goes before it is missed all the same', () => {
    const told = [...without(4), wal(8, { gap: 'a hole' }), wal(9)];
    const bases = [pgFull(2), pgFull(9)];
    assert.deepEqual(lost(bases, [wal(2), wal(3), wal(8, { gap: 'a hole' }), wal(9)]), []);
    assert.deepEqual(lost(bases, [wal(2), wal(8, { gap: 'a hole' }), wal(9)], [wal(2), wal(3)]), [
      { from: at(3), to: at(9) },
    ]);
    assert.deepEqual(lost(bases, told), [{ from: at(4), to: at(9) }]);
  });

  it('P03 another timeline, and another cluster, hold nothing that this one lacks', () => {
    const restored = [wal(4, { timeline: 2, gap: 'restored in place' }), wal(5, { timeline: 2 })];
    const bases = [pgFull(2), pgFull(4, 2)];
    assert.deepEqual(lost(bases, [wal(2), wal(3), ...restored], [wal(2), wal(3)]), []);
    const promoted = [wal(4, { timeline: 2 }), wal(5, { timeline: 2 })];
    assert.deepEqual(lost([pgFull(2)], [wal(2), wal(3), ...promoted]), []);
    assert.deepEqual(lost([pgFull(2)], [wal(2), wal(3), wal(5, { timeline: 2 })], promoted), [
      { from: at(4), to: null },
    ]);
    const foreign = all.map(ofAnotherCluster);
    assert.deepEqual(lost([pgFull(2)], [wal(2), wal(3), foreign[4] ?? wal(2)], foreign), []);
  });

  it('P03 binary logs: files, and the idle times between them', () => {
    const idle = (file: number, minute: number) => binlog({ file, minute, idle: true });
    const [two, three, four] = [2, 3, 4].map((file) => binlog({ file, minute: file * 10 }));
    assert.ok(two && three && four);
    const base = mariadbFull(2, 15);
    const marks = [idle(2, 21), idle(2, 25), idle(3, 31), idle(4, 45)];
    assert.deepEqual(lost([base], [two, three, four, ...marks]), []);
    assert.deepEqual(lost([base], [two, three, four], [two, three, four, ...marks]), [{ from: at(40), to: null }]);
    assert.deepEqual(lost([base], [two, four, ...marks]), [{ from: at(25), to: null }]);
    assert.deepEqual(lost([base, mariadbFull(4, 35)], [two, four, ...marks]), [{ from: at(25), to: at(35) }]);
    assert.deepEqual(
      lost([base], [two, three, ...marks]),
      [{ from: at(31), to: null }],
      'a file of which an idle time tells',
    );
    const other = [binlog({ lineage: 'bbbbbbbb', file: 9, minute: 50 })];
    assert.deepEqual(
      lost([base], [two, three, four, ...other], other),
      [],
      'another lineage begins behind a hole that was told of',
    );
  });
});
