import assert from 'node:assert/strict';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { walkFolder } from '../../../activities/storage/walk.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

/** Several times what is looked at at once. */
const MANY = 150;

describe('the walk through a folder', () => {
  let root: string;
  let expected: readonly string[];

  before(async () => {
    root = await temporaryFolder();
    const files = Array.from({ length: MANY }, (_, index) => {
      const hour = new Date(Date.UTC(2026, 0, 1, index)).toISOString().replaceAll(/[-:]|\.000/g, '');
      // Between them, files that are no backup's: the order of keys goes through folders of all sizes.
      return [
        `daily/a/${hour}-full/manifest.json`,
        `daily/a/${hour}-full/base.age`,
        `daily/a/${hour}.txt`,
        `daily/a-b/large/${index}/x/manifest.json`,
        `daily/a.large/${index}`,
      ];
    });
    const keys = [...files.flat(), 'daily/a-0', 'daily/z'];
    for (const key of keys) {
      await mkdir(path.dirname(path.join(root, key)), { recursive: true });
      await writeFile(path.join(root, key), key);
    }
    expected = keys.toSorted((one, two) => (one < two ? -1 : 1));
    await mkdir(path.join(root, 'daily/a/20270101T000000Z-full'));
    await mkdir(path.join(root, 'daily/empty'));
    await mkdir(path.join(root, 'daily/.hidden'));
    await writeFile(path.join(root, 'daily/.hidden/manifest.json'), '');
    await symlink('20260101T000000Z-full', path.join(root, 'daily/a/latest'));
    await symlink('../a/20260101T000000Z.txt', path.join(root, 'daily/empty/link'));
  });
  after(cleanUp);

  async function keysOf(key: string, options: { readonly named?: string } = {}): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const object of walkFolder(path.join(root, key), key, options)) {
      assert.equal(object.bytes, object.key.length);
      keys.push(object.key);
    }
    return keys;
  }

  it('finds each file once, in the order of keys, and neither links nor what is hidden', async () => {
    assert.deepEqual(await keysOf(''), expected);
    assert.deepEqual(await keysOf('daily'), expected);
    const named = expected.filter((key) => key.endsWith('/manifest.json'));
    assert.deepEqual(await keysOf('daily', { named: 'manifest.json' }), named);
  });

  it('takes a folder and a file that go while it is under way for empty', async () => {
    const folder = path.join(root, 'going');
    for (let index = 0; index < MANY; index += 1) {
      await mkdir(path.join(folder, `folder-${index}`), { recursive: true });
      await writeFile(path.join(folder, `folder-${index}`, 'file'), '');
    }
    let seen = 0;
    for await (const _object of walkFolder(folder, 'going', {})) {
      if (seen === 0) await rm(folder, { recursive: true });
      seen += 1;
    }
    assert.ok(seen > 0 && seen < MANY, String(seen));
    assert.deepEqual(await keysOf('going'), []);
  });

  it('says what failed: nothing that cannot be read counts as empty', async () => {
    const loop = path.join(root, 'loop');
    await symlink('loop', loop);
    await assert.rejects(() => walkFolder(loop, 'loop', {}).next(), { code: 'ELOOP', path: loop });
  });
});
