import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isErrno } from '../../../../activities/streams/errno.ts';
import { holdSet } from '../../../../activities/sources/redis/aof-set.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { testWork } from '../../../support/work.ts';

const NAMES = { dbfilename: 'dump.rdb', appenddirname: 'appendonlydir', appendfilename: 'appendonly.aof', known: true };

function manifest(seq: number): string {
  const [base, incr] = [`appendonly.aof.${seq}.base.rdb`, `appendonly.aof.${seq}.incr.aof`];
  return `file ${base} seq ${seq} type b\nfile ${incr} seq ${seq} type i\n`;
}

/** Opens a pipe for writing as soon as somebody is there to read it. The caller goes on before that one does. */
async function openedBy(pipe: string): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; await wait(5)) {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!isErrno(error, 'ENXIO')) throw error;
    }
  }
  throw new Error(`nobody reads ${pipe}`);
}

describe('holding a set of append-only files', () => {
  after(cleanUp);

  it('P29 looks anew when a rewrite has ended between two looks at the manifest, though all files could be opened', async () => {
    const data = await temporaryFolder();
    const folder = path.join(data, NAMES.appenddirname);
    await mkdir(folder);
    for (const name of ['1.incr.aof', '2.base.rdb', '2.incr.aof'])
      await writeFile(path.join(folder, `appendonly.aof.${name}`), name);
    const file = path.join(folder, 'appendonly.aof.manifest');
    await writeFile(file, manifest(1));
    await writeFile(`${file}.new`, manifest(2));
    // To open its base waits for a writer: that comes once the manifest was looked at for the first time.
    const base = path.join(folder, 'appendonly.aof.1.base.rdb');
    execFileSync('mkfifo', [base]);
    const holding = holdSet(data, NAMES, testWork().signal);
    const writer = await openedBy(base);
    // Nothing of ours has run since it was let in.
    renameSync(`${file}.new`, file);
    const held = await holding;
    closeSync(writer);
    try {
      assert.deepEqual(
        held.files.map(({ name, seq }) => [name, seq]),
        [
          ['appendonly.aof.2.base.rdb', 2],
          ['appendonly.aof.2.incr.aof', 2],
        ],
      );
    } finally {
      await held.release();
    }
  });
});
