/** Which objects a thaw is about, and how they are counted: by a place in memory, which says what it is told. */
import assert from 'node:assert/strict';
import { askFor, lookAt, objectsToRestore, objectsToThaw } from '../../../../activities/operations/thaw/objects.ts';
import type { Thawing, ThawState } from '../../../../activities/storage/types.ts';
import { DEEP_ARCHIVE_TIMES } from '../../../../model/config/destinations/thaw.ts';
import { BackupError } from '../../../../model/errors.ts';
import { testBackup } from '../../../support/backups.ts';
import { testWork } from '../../../support/work.ts';

const OPTIONS = { speed: 'bulk', days: 3 } as const;

describe('the objects of a thaw', () => {
  const artifacts = ['base', 'inventory', 'export', 'export-list'].map((role) => ({
    role,
    name: `${role}.age`,
    bytes: 10,
    sha256: '0'.repeat(64),
    plainBytes: 1,
  }));
  const full = testBackup({ fields: { artifacts } });
  const child = testBackup({ scheduled: '2026-11-24T02:00:00Z', parent: full.manifest, fields: { artifacts } });
  const namesOf = (objects: readonly { readonly key: string }[]) => objects.map(({ key }) => key.split('/').at(-1));

  it('are all of the backup itself, and of what it builds on and its logs what a restore reads', () => {
    const data = ['base.age', 'inventory.age'];
    const all = [...data, 'export.age', 'export-list.age'];
    assert.deepEqual(namesOf(objectsToThaw([full, child], [full])), [...data, ...all, ...data]);
    assert.deepEqual(namesOf(objectsToRestore([full, child])), [...data, ...data]);
  });

  /** Says of each object what it is told, in their order; `absent` is not there. */
  function place(states: readonly (ThawState | 'absent')[], { spare = false } = {}) {
    const asked: string[] = [];
    const objects = states.map((_state, index) => ({ key: String(index), bytes: 10 ** index, spare }));
    const thawing: Thawing = {
      destination: 'cold',
      takes: DEEP_ARCHIVE_TIMES,
      async state(key) {
        const state = states[Number(key)];
        if (state === undefined || state === 'absent') throw new BackupError('not-found', 'not there');
        return state;
      },
      async ask(key, options) {
        assert.deepEqual({ speed: options.speed, days: options.days }, OPTIONS);
        asked.push(key);
      },
    };
    return { thawing, objects, asked };
  }

  it('are asked for where they are frozen, kept for longer where they would freeze again, and counted as they stand', async () => {
    const [later, sooner] = [new Date('2026-12-02T00:00:00Z'), new Date('2026-12-01T00:00:00Z')];
    const { thawing, objects, asked } = place([
      { state: 'frozen' },
      { state: 'thawing' },
      { state: 'readable', until: later },
      { state: 'readable', until: sooner },
      { state: 'readable', until: later },
      { state: 'readable' },
    ]);
    const readable = { objects: 4, bytes: 111_100 };
    const until = sooner.toISOString();
    const all = { objects: 6, bytes: 111_111 };
    assert.deepEqual(await lookAt(thawing, objects), {
      all,
      frozen: { objects: 1, bytes: 1 },
      thawing: { objects: 1, bytes: 10 },
      readable,
      asked: { objects: 0, bytes: 0 },
      until,
    });
    assert.deepEqual(asked, []);
    assert.deepEqual(await askFor(thawing, objects, OPTIONS, testWork()), {
      all,
      frozen: { objects: 0, bytes: 0 },
      thawing: { objects: 2, bytes: 11 },
      readable,
      asked: { objects: 1, bytes: 1 },
      until,
    });
    assert.deepEqual(asked, ['0', '2', '3', '4']);
  });

  it('one that is not there fails both, but for one that a restore can do without', async () => {
    const states = ['absent', { state: 'frozen' }] as const;
    const needed = place(states);
    await assert.rejects(lookAt(needed.thawing, needed.objects), { code: 'not-found' });
    await assert.rejects(askFor(needed.thawing, needed.objects, OPTIONS, testWork()), { code: 'not-found' });
    const { thawing, objects, asked } = place(states, { spare: true });
    assert.deepEqual((await askFor(thawing, objects, OPTIONS, testWork())).all, { objects: 1, bytes: 10 });
    assert.deepEqual(asked, ['1']);
    assert.deepEqual(
      objectsToRestore([full]).map(({ spare }) => spare),
      [false, true],
    );
  });
});
