/** Files against the suite of all source types. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { filesLine } from '../../../../model/inventory.ts';
import { describeSource, type LiveSource } from '../conformance.ts';
import { fingerprint, write, writeEverything } from './tree.ts';

function make(folder: string): Promise<LiveSource> {
  writeEverything(folder);
  write(folder, 'big', randomBytes(6_000_000));
  write(folder, 'leaves/soon', 'x');
  write(folder, 'moves/soon', 'x');
  return Promise.resolve({
    config: { type: 'files', paths: [folder] },
    producer: 'tar',
    slowRate: '2MB',
    async mutate() {
      write(folder, 'plain', 'changed');
      write(folder, 'new/one', 'new');
      rmSync(path.join(folder, 'leaves'), { recursive: true });
      renameSync(path.join(folder, 'moves'), path.join(folder, 'moved'));
    },
    async compare(restored) {
      assert.equal(fingerprint(path.join(restored, folder)), fingerprint(folder));
    },
    async compareInventory(lines) {
      const listed = lines
        .map((line) => filesLine.parse(JSON.parse(line)))
        .flatMap((line) => ('path' in line ? [line.path] : []));
      const there = execFileSync('find', [folder, '-print0']).toString('utf8').split('\0').filter(Boolean);
      // The two names that are no UTF-8 are looked at by another test.
      const plain = (paths: readonly string[]): readonly string[] =>
        paths.filter((each) => each.isWellFormed() && !each.includes('\ufffd')).toSorted();
      assert.deepEqual(plain(listed), plain(there.map((each) => each.slice(1))));
      assert.equal(listed.length, there.length);
    },
    end: () => Promise.resolve(),
  });
}

describeSource({ name: 'files', make });
