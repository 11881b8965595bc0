import assert from 'node:assert/strict';
import { inOrder } from '../../../activities/sources/logs-order.ts';
import { restorablePlaces, restorableUntil } from '../../../client/backups/restorable.ts';
import type { BackupEntry } from '../../../client/backups/overview.ts';
import { entryOf, fullBackup, logsBackup } from '../../support/entries.ts';

const FULL = '2026-11-23T02:00:00Z';

function at(minute: number): string {
  return `2026-11-23T02:${String(minute).padStart(2, '0')}:00Z`;
}

/** Logs of one segment each, every five minutes. */
function logs(segments: readonly number[], options: { readonly gapAt?: number } = {}): BackupEntry[] {
  return segments.map((segment) =>
    entryOf(
      logsBackup({
        from: segment,
        to: segment + 1,
        at: at(segment * 5),
        ...(segment === options.gapAt ? { gap: 'a hole' } : {}),
      }),
    ),
  );
}

function until(entries: readonly BackupEntry[]): string | undefined {
  return restorableUntil(entries, 'postgres')?.until;
}

describe('until when a source can be restored', () => {
  const full = entryOf(fullBackup(FULL, 2));

  it('is what the newest logs cover that reach back to a full', () => {
    const found = restorableUntil([full, ...logs([1, 2, 3, 4])], 'postgres');
    assert.deepEqual(found, { until: at(20), seen: at(20), place: 'repository', base: full.reference });
    assert.equal(until([full, ...logs([1, 2])]), at(10));
  });

  it('is nothing without a full, without logs, or with logs that end before it or begin behind it', () => {
    assert.equal(until(logs([1, 2, 3])), undefined);
    assert.equal(until([full]), undefined);
    assert.equal(until([full, ...logs([0, 1])]), undefined);
    assert.equal(until([full, ...logs([4, 5])]), undefined);
    assert.equal(until([full, ...logs([3, 4])]), at(20), 'the full holds the segment of its end whole');
    assert.equal(restorableUntil([full, ...logs([2])], 'other'), null);
  });

  it('minds nothing that somebody has put there, which says nothing that its type knows', () => {
    const strange = [fullBackup(at(12), 3), logsBackup({ from: 4, to: 7, at: at(25) })].map(({ manifest, ...backup }) =>
      entryOf({ ...backup, manifest: { ...manifest, position: null } }),
    );
    assert.equal(until([full, ...logs([2, 3, 4]), ...strange]), at(20));
    assert.deepEqual(
      inOrder([...strange.map(({ backup }) => backup), ...logs([3, 2]).map(({ backup }) => backup)]).length,
      4,
    );
  });

  it('is not led further by what a stranger has put there, at its end or across a hole', () => {
    const [bridge, far] = [logsBackup({ from: 3, to: 4, at: at(15) }), logsBackup({ from: 5, to: 6, at: at(59) })].map(
      (one) => entryOf(one),
    );
    assert.ok(bridge && far);
    const led = (strange: readonly BackupEntry[], own: readonly number[]) =>
      restorablePlaces([full, ...logs(own), ...strange], 'postgres', (entry) => !strange.includes(entry))[0]?.until;
    assert.equal(led([far], [2, 3, 4]), at(20));
    assert.equal(led([bridge, far], [2, 4]), at(10));
    const later = entryOf(fullBackup(at(30), 4));
    assert.equal(led([later], [2, 4]), at(10), 'nor by a backup that would lie behind the hole');
  });

  it('ends before a hole, and before logs that are missing without anybody having said so', () => {
    assert.equal(until([full, ...logs([2, 3, 4, 5], { gapAt: 4 })]), at(15));
    assert.equal(until([full, ...logs([2, 3, 5, 6])]), at(15));
  });

  it('goes on behind a hole once there is a full there', () => {
    const behind = entryOf(fullBackup(at(21), 4));
    assert.equal(until([full, behind, ...logs([2, 3, 4, 5], { gapAt: 4 })]), at(25));
  });

  it('counts only what is at one place and not known to be damaged there', () => {
    const shipped = logs([2, 3, 4]);
    const [first, second, third] = shipped;
    assert.ok(first && second && third);
    const damaged = { ...second, verified: [{ place: 'repository', time: at(30), ok: false }] };
    assert.equal(until([full, first, damaged, third]), at(10));
    const everywhere = { ...full, places: ['repository', 'vault'] };
    const apart = [first, { ...third, places: ['vault'] }];
    assert.equal(until([everywhere, ...apart]), at(10), 'neither place has what is between');
    const copied = [first, second].map((entry) => entryOf(entry.backup, { places: ['repository', 'vault'] }));
    const vault = restorableUntil([everywhere, ...copied, { ...third, places: ['vault'] }], 'postgres');
    assert.deepEqual([vault?.until, vault?.place], [at(20), 'vault']);
    assert.deepEqual(
      restorablePlaces([everywhere, ...copied, { ...third, places: ['vault'] }], 'postgres', () => true).map((one) => [
        one.place,
        one.until,
      ]),
      [
        ['vault', at(20)],
        ['repository', at(15)],
      ],
    );
    const broken = { ...full, broken: [{ place: 'repository', problem: 'its parent is gone' }] };
    assert.equal(until([broken, ...shipped]), undefined);
  });

  it('follows a new timeline, whose first segment comes again', () => {
    const next = entryOf(logsBackup({ from: 3, to: 5, at: at(20), timeline: 2 }));
    assert.equal(until([full, ...logs([2, 3]), next]), at(20));
  });
});
