/** What a files source keeps in state: tar's snapshot file, and the file systems of the last backup. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { findUnmounted } from '../../../../activities/sources/files/fstab.ts';
import { compareLayout, readLayout, writeLayout } from '../../../../activities/sources/files/layout.ts';
import type { FileSystem, Selection } from '../../../../activities/sources/files/selection.ts';
import { goneBetween } from '../../../../activities/sources/files/gone.ts';
import { inventoryLines } from '../../../../activities/sources/files/inventory.ts';
import { createList, haveLists, readList } from '../../../../activities/sources/files/lists.ts';
import {
  findSnapshot,
  parseSnapshot,
  prepareSnapshot,
  snapshotFile,
  type Snapshot,
} from '../../../../activities/sources/files/snapshot.ts';
import { sweepState } from '../../../../activities/sources/files/state.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { write } from './tree.ts';

describe("tar's snapshot file", () => {
  let state: string;
  let source: string;

  before(async () => {
    state = await temporaryFolder({ onDisk: true });
    source = await temporaryFolder({ onDisk: true });
    write(source, 'stays/x');
    write(source, 'moves/in/x');
    write(source, 'linked/x');
    mkdirSync(path.join(source, 'empty'));
    const snapshot = `--listed-incremental=${snapshotFile(state, 'first')}`;
    execFileSync('tar', ['-c', snapshot, '-C', '/', '-f', '/dev/null', source.slice(1)]);
  });
  after(cleanUp);

  it('is understood: its time and each folder with device, inode and mtime', async () => {
    const snapshot = await findSnapshot(state, 'first');
    assert.ok(snapshot);
    assert.ok(Math.abs(Number(snapshot.time.seconds) - Date.now() / 1000) < 60);
    const names = snapshot.folders.map(({ name }) => path.relative(source, `/${name}`)).toSorted();
    assert.deepEqual(names, ['', 'empty', 'linked', 'moves', 'moves/in', 'stays']);
    for (const { name, device, inode, mtime } of snapshot.folders) {
      const facts = execFileSync('stat', ['-c', '%d %i %.9Y', `/${name}`])
        .toString()
        .trim();
      assert.equal(`${device} ${inode} ${mtime}`, facts);
    }
  });

  it('forgets folders that have moved, also those that are reached through a link now', async () => {
    renameSync(path.join(source, 'moves'), path.join(source, 'moved'));
    renameSync(path.join(source, 'linked'), path.join(source, 'target'));
    symlinkSync('target', path.join(source, 'linked'));
    await prepareSnapshot(state, 'first', 'second');
    const before = await findSnapshot(state, 'first');
    const copy = await findSnapshot(state, 'second');
    assert.ok(before && copy);
    const forgotten = copy.folders
      .filter(({ inode }) => Number(inode) === 0)
      .map(({ name }) => path.relative(source, `/${name}`));
    assert.deepEqual(forgotten.toSorted(), ['linked', 'moves', 'moves/in']);
    assert.equal(Number(copy.time.seconds), Number(before.time.seconds) - 1);
  });

  it('that is cut off or of another format counts as lost', async () => {
    const content = readFileSync(snapshotFile(state, 'first'));
    writeFileSync(snapshotFile(state, 'cut'), content.subarray(0, content.length - 5));
    writeFileSync(snapshotFile(state, 'other'), 'GNU tar-1.10-1\n1 2');
    assert.equal(await findSnapshot(state, 'cut'), undefined);
    assert.equal(await findSnapshot(state, 'other'), undefined);
    assert.equal(await findSnapshot(state, 'none'), undefined);
    assert.throws(() => parseSnapshot(Buffer.from('')));
  });

  it('tells what is gone between two of them', async () => {
    for (const name of ['goes', 'dir/goes', 'dir/stays', 'gone dir/deep/file', 'becomes file/x', 'becomes folder'])
      write(source, `tree/${name}`);
    const full = await record('third');
    rmSync(path.join(source, 'tree/goes'));
    rmSync(path.join(source, 'tree/dir/goes'));
    rmSync(path.join(source, 'tree/gone dir'), { recursive: true });
    rmSync(path.join(source, 'tree/becomes file'), { recursive: true });
    write(source, 'tree/becomes file');
    rmSync(path.join(source, 'tree/becomes folder'));
    write(source, 'tree/becomes folder/new');
    await prepareSnapshot(state, 'third', 'fourth');
    const gone = goneBetween(full, await record('fourth'));
    const names = gone.map((each) => path.relative(`${source}/tree`, `/${each}`));
    assert.deepEqual(names.toSorted(), ['becomes file/x', 'dir/goes', 'goes', 'gone dir']);
  });

  async function record(token: string): Promise<Snapshot> {
    execFileSync('tar', [
      '-c',
      `--listed-incremental=${snapshotFile(state, token)}`,
      '-C',
      '/',
      '-f',
      '/dev/null',
      source.slice(1),
    ]);
    const snapshot = await findSnapshot(state, token);
    assert.ok(snapshot);
    return snapshot;
  }
});

describe('lists of what backups archived', () => {
  let state: string;

  before(async () => (state = await temporaryFolder({ onDisk: true })));
  after(cleanUp);

  it('come back as they were written, in blocks of whole lines', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ünï 漢😀`);
    const list = await createList(state, 'one');
    for (let at = 0; at < lines.length; at += 7) await list.write(lines.slice(at, at + 7).join('\n'));
    await list.close();
    const read: string[] = [];
    for await (const block of readList(state, 'one')) read.push(...block.split('\n'));
    assert.deepEqual(read, lines);
    assert.equal(statSync(path.join(state, 'list-one.zst')).mode & 0o777, 0o600);
  });

  it('that are cut off fail once, and that are lost are noticed', async () => {
    const file = path.join(state, 'list-one.zst');
    truncateSync(file, 1000);
    await assert.rejects(async () => {
      for await (const _ of readList(state, 'one'));
    });
    assert.equal(await haveLists(state, ['one']), false);
    await (await createList(state, 'one')).close();
    assert.equal(await haveLists(state, ['one']), true);
    assert.equal(await haveLists(state, ['one', 'two']), false);
  });

  it('are closed where whoever reads the inventory leaves in its middle: a capture that is cancelled', async () => {
    async function* own(): AsyncGenerator<string> {
      for (;;) yield 'a line';
    }
    const lines = inventoryLines({ source: '/srv', state, parents: [], token: 'left', own: own() });
    for (let turn = 0; turn < 4; turn += 1) assert.equal((await lines.next()).done, false);
    const open = () => readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).endsWith('/list-left.zst'));
    assert.equal(open().length, 1);
    await lines.return(undefined);
    assert.deepEqual(open(), []);
  });

  function targetOf(fd: string): string {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one by which the folder itself was read.
      return '';
    }
  }

  it('and snapshot files are swept but for those that count', async () => {
    for (const name of ['tar-a.snar', 'tar-b.snar', 'list-a.zst', 'list-b.zst', 'list-c.zst', 'file-systems.json'])
      writeFileSync(path.join(state, name), '');
    await sweepState(state, ['a', 'b']);
    assert.deepEqual((await readdir(state)).toSorted(), [
      'file-systems.json',
      'list-a.zst',
      'list-b.zst',
      'tar-b.snar',
    ]);
  });
});

describe('file systems under the paths', () => {
  let state: string;
  const own: FileSystem = { path: '/srv/data', mountPoint: '/srv/data', type: 'ext4' };
  const root: FileSystem = { path: '/srv', mountPoint: '/', type: 'ext4' };

  before(async () => (state = await temporaryFolder({ onDisk: true })));
  after(cleanUp);

  function selection(fileSystems: readonly FileSystem[], excluded: readonly string[] = []): Selection {
    const roots = fileSystems.map((each) => each.path.slice(1));
    return { roots, fileSystems, excluded: (each) => excluded.includes(each), findings: [] };
  }

  function messages(last: readonly FileSystem[], now: Selection): readonly string[] {
    return compareLayout('stack', state, last, now).map(({ message }) => message);
  }

  it('are remembered; a lost or damaged file is as none', async () => {
    assert.equal(await readLayout(state), undefined);
    await writeLayout(state, [own]);
    assert.deepEqual(await readLayout(state), [own]);
    writeFileSync(path.join(state, 'file-systems.json'), '{"fileSystems": 1');
    assert.equal(await readLayout(state), undefined);
  });

  it('may stay as they are, and paths may be added and removed', () => {
    assert.deepEqual(messages([root, own], selection([root, own])), []);
    assert.deepEqual(messages([root], selection([root, { path: '/etc', mountPoint: '/', type: 'ext4' }])), []);
    assert.deepEqual(messages([root, { path: '/etc', mountPoint: '/', type: 'ext4' }], selection([root])), []);
  });

  it('may not go, come or become others unnoticed', () => {
    assert.match(
      messages([own], selection([{ ...own, mountPoint: '/' }])).join(),
      /of its own \(ext4\) at the last backup, and is on the file system of \//,
    );
    assert.match(messages([own], selection([{ ...own, type: 'xfs' }])).join(), /\(xfs\) now/);
    assert.match(messages([root, own], selection([root])).join(), /is not mounted now/);
    assert.match(messages([root], selection([root, own])).join(), /was an ordinary folder/);
    assert.deepEqual(messages([root, own], selection([root], ['/srv/data'])), []);
    assert.match(compareLayout('stack', state, [own], selection([root]))[0]?.remedy ?? '', /rm .*file-systems\.json/);
  });

  it('that fstab promises must be mounted', () => {
    const fstab = [
      '# /dev/x /srv/comment ext4',
      '/dev/a /srv/data ext4 defaults 0 2',
      '/dev/b /srv/slow nfs noauto 0 0',
      'tmpfs /tmp tmpfs',
      String.raw`/dev/c /srv/a\040b ext4`,
    ].join('\n');
    const found = findUnmounted('stack', fstab, [], selection([root]));
    assert.deepEqual(
      found.map(({ remedy }) => remedy),
      ['mount /srv/data', 'mount /srv/a b'],
    );
    assert.deepEqual(
      findUnmounted('stack', fstab, [], selection([{ ...own, path: '/srv/data/sub' }])).map(({ remedy }) => remedy),
      ['mount /srv/data'],
    );
    const mount = { id: 1, parent: 0, device: '8:1', root: '/', point: '/srv/data', type: 'ext4' };
    assert.deepEqual(findUnmounted('stack', fstab, [mount], selection([own])), []);
  });
});
