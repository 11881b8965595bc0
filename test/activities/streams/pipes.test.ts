import assert from 'node:assert/strict';
import { fstatSync, readSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { closeAll, openPipes } from '../../../activities/streams/pipes.ts';

const CHILD = fileURLToPath(new URL('./pipes-child.ts', import.meta.url));

describe('pipes made in batches', () => {
  it('are given out once each, to several callers at a time', async () => {
    const wanted = [3, 1, 12, 0, 5, 9];
    const given = await Promise.all(wanted.map(openPipes));
    assert.deepEqual(
      given.map(({ length }) => length),
      wanted,
    );
    const pipes = given.flat();
    const inodes = new Set(pipes.map(({ read }) => fstatSync(read).ino));
    assert.equal(inodes.size, pipes.length);
    for (const [index, { read, write }] of pipes.entries()) {
      writeSync(write, `${index}`);
      const bytes = Buffer.alloc(8);
      assert.equal(bytes.toString('utf8', 0, readSync(read, bytes)), `${index}`);
    }
    closeAll(pipes.flatMap(({ read, write }) => [read, write]));
  });

  it('where descriptors have run out fail, and do not end the process', async () => {
    for (const left of [0, 4, 10]) {
      const { exitCode, stdout, stderr } = await execa(
        'prlimit',
        ['--nofile=100', process.execPath, CHILD, String(left)],
        {
          reject: false,
        },
      );
      assert.deepEqual([exitCode, stderr], [0, ''], `${left} were left`);
      assert.match(stdout, /^No pipes could be made: .*EMFILE/, `${left} were left`);
    }
  });
});
