import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cleanUp } from '../../support/folders.ts';
import { withSmallDisk } from '../../support/small-disk.ts';

const CHILD = fileURLToPath(new URL('./record-cache-child.ts', import.meta.url));

describe('what is remembered of records', () => {
  after(cleanUp);

  it('on a full disk is an error for whoever remembers, ends no process, and leaves nothing', () =>
    withSmallDisk(1, async (folder) => {
      const file = path.join(folder, 'memory', 'records.jsonl');
      const { exitCode, stdout, stderr } = await execa(process.execPath, [CHILD, file], { reject: false });
      assert.deepEqual([exitCode, stdout, stderr], [0, 'no-space', '']);
      assert.deepEqual(await readdir(path.dirname(file)), []);
    }));
});
