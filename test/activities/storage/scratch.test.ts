import assert from 'node:assert/strict';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { sweepScratch, withScratch } from '../../../activities/storage/scratch.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const CHILD = new URL('scratch-child.ts', import.meta.url);

describe('scratch', () => {
  let within: string;
  beforeEach(async () => {
    within = await temporaryFolder();
  });
  afterEach(endChildren);
  after(cleanUp);

  it('is closed to others, and gone after success and failure', async () => {
    await withScratch(within, 'proof-', async (scratch) => {
      assert.equal((await stat(scratch)).mode & 0o777, 0o700);
    });
    await assert.rejects(
      withScratch(within, 'proof-', async () => {
        throw new Error('failed');
      }),
      /failed/,
    );
    assert.deepEqual(await readdir(within), []);
  });

  it('may be moved away', async () => {
    await withScratch(within, 'proof-', (scratch) => rename(scratch, path.join(within, 'target')));
    assert.deepEqual(await readdir(within), ['target']);
  });

  it('of a killed process is removed by the next one, that of a living one and of others is not', async () => {
    const killed = startChild(CHILD, { within, prefix: 'proof-' });
    const left = await killed.line();
    await killed.signal('SIGKILL');
    assert.deepEqual(await readdir(left), ['plaintext'], 'a killed process leaves it');
    const living = await startChild(CHILD, { within, prefix: 'proof-' }).line();
    await mkdir(path.join(within, 'proof-somebody-elses'));
    await withScratch(within, 'proof-', async () => undefined);
    assert.deepEqual((await readdir(within)).toSorted(), ['proof-somebody-elses', path.basename(living)].toSorted());
  });

  it('is looked for where nothing is', async () => {
    await sweepScratch(path.join(within, 'nowhere'), 'proof-');
  });
});
