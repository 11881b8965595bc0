/** A tree that was made durable: no file of it has bytes left that have no place on the disk yet. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { syncTree } from '../../../activities/storage/sync-tree.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { testWork } from '../../support/work.ts';

describe('syncing a tree', () => {
  let folder: string;

  // A file system of its own: whoever syncs that of all tests would sync it too.
  beforeEach(async () => {
    const image = path.join(await temporaryFolder(), 'image');
    await writeFile(image, '');
    await truncate(image, 64 * 2 ** 20);
    execFileSync('mkfs.ext4', ['-q', image]);
    folder = await temporaryFolder();
    execFileSync('mount', ['-o', 'loop', image, folder]);
  });
  afterEach(() => execFileSync('umount', ['--lazy', folder]));
  after(cleanUp);

  async function write(names: readonly string[]): Promise<readonly string[]> {
    const files = names.map((name) => path.join(folder, 'tree', name));
    for (const file of files) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, Buffer.alloc(100_000, file));
    }
    return files;
  }

  /** Files whose bytes lie in memory alone. */
  function unwritten(files: readonly string[]): readonly string[] {
    return files.filter((file) => execFileSync('filefrag', ['-v', file], { encoding: 'utf8' }).includes('delalloc'));
  }

  const SMALL = ['one', 'in/two', 'in/deeper/three', 'other/four'];

  it('syncs each file of a small one, and nothing that lies beside it', async () => {
    const beside = path.join(folder, 'beside');
    await writeFile(beside, Buffer.alloc(100_000, 'beside'));
    const files = await write(SMALL);
    assert.deepEqual(unwritten(files), files, 'the file system of this test writes at once: it shows nothing');
    await syncTree(path.join(folder, 'tree'), testWork());
    assert.deepEqual(unwritten([...files, beside]), [beside]);
  });

  it('syncs one of many files', async () => {
    const files = await write(Array.from({ length: 100 }, (_, index) => `${index % 7}/${index}`));
    await syncTree(path.join(folder, 'tree'), testWork());
    assert.deepEqual(unwritten(files), []);
  });

  it('syncs one with a link in it, and with a pipe, which nobody writes to', async () => {
    const files = await write(SMALL);
    await symlink('one', path.join(folder, 'tree/in/link'));
    execFileSync('mkfifo', [path.join(folder, 'tree/pipe')]);
    await syncTree(path.join(folder, 'tree'), testWork());
    assert.deepEqual(unwritten(files), []);
  });

  it('syncs one with a name that is no UTF-8', async () => {
    const files = await write(SMALL);
    await writeFile(Buffer.concat([Buffer.from(`${folder}/tree/in/caf`), Buffer.of(0xe9)]), 'latin');
    await syncTree(path.join(folder, 'tree'), testWork());
    assert.deepEqual(unwritten(files), []);
  });

  for (const [which, name] of [
    ['', 'other'],
    [', beside what cannot be synced by itself', Buffer.of(0xe9)],
  ] as const) {
    it(`tells that bytes found no place on the disk${which}`, async () => {
      const small = await temporaryFolder();
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'none', small]);
      const inside = path.join(small, 'inside');
      try {
        const image = path.join(small, 'image');
        await writeFile(image, '');
        await truncate(image, 64 * 2 ** 20);
        execFileSync('mkfs.ext4', ['-q', '-O', '^has_journal', image]);
        await mkdir(inside);
        execFileSync('mount', ['-o', 'loop', image, inside]);
        await writeFile(Buffer.concat([Buffer.from(`${inside}/`), Buffer.from(name)]), '');
        // Its file system takes it, and the disk below is full.
        await writeFile(path.join(inside, 'file'), Buffer.alloc(8 * 2 ** 20, 'x'));
        const error = await isBackupError(syncTree(inside, testWork()), 'no-space');
        assert.match(error.message, /Writing what was restored to the disk failed: the disk is full/);
      } finally {
        execFileSync('umount', ['--lazy', inside]);
        execFileSync('umount', ['--lazy', small]);
      }
    });
  }
});
