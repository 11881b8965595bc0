import assert from 'node:assert/strict';
import { compareTree } from '../../../../activities/sources/files/compare.ts';
import type { TreeEntry } from '../../../../activities/sources/files/tree.ts';
import type { FileEntry } from '../../../../model/inventory.ts';

const FILE = { path: 'srv/a', type: 'file', size: 5, mode: '600', uid: 0, gid: 0, mtime: '1.000000000' } as const;
const LISTED: readonly FileEntry[] = [
  { ...FILE, path: 'srv', type: 'directory', size: 0, mode: '755' },
  FILE,
  { ...FILE, path: 'srv/b', type: 'hardlink', size: 0, target: 'srv/a' },
  { ...FILE, path: 'srv/s', type: 'symlink', size: 0, mode: '777', target: 'a' },
];

describe('comparison of a tree with an inventory', () => {
  /** The tree that the inventory describes, with changes to single entries; undefined takes one away. */
  function differences(
    changes: Readonly<Record<string, Partial<TreeEntry> | undefined>>,
    listed = LISTED,
    owners = true,
  ) {
    const tree = new Map<string, TreeEntry>();
    for (const entry of LISTED) tree.set(entry.path, { ...entry, inode: entry.path });
    tree.set('srv/b', { ...FILE, path: 'srv/b', inode: 'srv/a' });
    for (const [path, change] of Object.entries(changes)) {
      if (change === undefined) tree.delete(path);
      else tree.set(path, { ...FILE, inode: path, ...tree.get(path), ...change, path });
    }
    return compareTree(new Map(listed.map((entry) => [entry.path, entry])), tree, { owners });
  }

  it('finds equal what is equal', () => {
    assert.deepEqual(differences({}), { compared: 4, differences: [], unsettled: [], unseen: [] });
  });

  const cases = [
    ['a missing entry', { 'srv/a': undefined }, /\/srv\/a is missing/],
    ['an extra entry', { 'srv/extra': {} }, /\/srv\/extra is not in the inventory/],
    ['another size', { 'srv/a': { size: 4 } }, /\/srv\/a has size 4, not 5/],
    ['another mode', { 'srv/a': { mode: '4600' } }, /\/srv\/a has mode 4600, not 0600/],
    ['another owner', { 'srv/s': { uid: 7 } }, /\/srv\/s has owner 7:0, not 0:0/],
    ['another time, by a nanosecond', { srv: { mtime: '1.000000001' } }, /\/srv has mtime/],
    ['another target', { 'srv/s': { target: 'b' } }, /\/srv\/s has target b, not a/],
    ['another type', { 'srv/s': { type: 'file' } }, /\/srv\/s is a file, not a symlink/],
    ['a hard link that is a copy', { 'srv/b': { inode: 'own' } }, /\/srv\/b is not a hard link to \/srv\/a/],
  ] as const;
  for (const [what, changes, pattern] of cases) {
    it(`finds ${what}`, () => assert.match(differences(changes).differences.join('; '), pattern));
  }

  it('knows no owners where only root could restore them', () => {
    assert.deepEqual(differences({ 'srv/s': { uid: 7 } }, LISTED, false).differences, []);
  });

  it('says nothing of what changed during the capture, nor of what a changed folder holds', () => {
    const unsettled = LISTED.map((entry) => (entry.path === 'srv/a' ? { ...entry, unsettled: true } : entry));
    assert.deepEqual(differences({ 'srv/a': { size: 1 } }, unsettled).differences, []);
    const folder = LISTED.map((entry) => (entry.path === 'srv' ? { ...entry, unsettled: true } : entry));
    assert.deepEqual(differences({ 'srv/s': undefined, 'srv/extra': {} }, folder).differences, []);
    assert.notDeepEqual(differences({ 'srv/s': { target: 'b' } }, folder).differences, []);
  });

  it('takes no notice of folders that lead to what was captured', () => {
    const listed = LISTED.filter(({ path }) => path !== 'srv');
    assert.deepEqual(differences({}, listed).differences, []);
  });

  it('says nothing of what is below a folder that may not be looked into, and misses what lacks elsewhere', () => {
    const listed = [...LISTED, { ...FILE, path: 'srv/s/x' }, { ...FILE, path: 'srv/y' }];
    const closed = { type: 'directory', mode: '000', closed: true } as const;
    const found = differences({ 'srv/s': closed }, listed);
    assert.deepEqual(found.unseen, ['srv/s/x']);
    assert.deepEqual(found.differences, ['/srv/s is a directory, not a symlink', '/srv/y is missing']);
  });
});
