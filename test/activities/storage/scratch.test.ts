import assert from 'node:assert/strict';
import { mkdir, readdir, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import path from 'node:path';
import { thisHolder } from '../../../activities/storage/holder.ts';
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

  it('of an earlier boot is removed at once on a disk of this machine: after a power cut nobody is at work there', async () => {
    const left = await ofAnotherBoot();
    await sweepScratch(within, 'proof-');
    assert.deepEqual(
      await readdir(within),
      [left],
      'younger than this boot: another machine may be at work through a share',
    );
    await utimes(path.join(within, left), 0, Date.now() / 1000 - uptime() - 60);
    await sweepScratch(within, 'proof-');
    assert.deepEqual(await readdir(within), []);
  });

  async function ofAnotherBoot(): Promise<string> {
    return withScratch(within, 'proof-', async (scratch) => {
      const other = scratch.replace(thisHolder().boot, '00000000-0000-4000-8000-000000000000');
      await rename(scratch, other);
      await writeFile(path.join(other, 'plaintext'), 'a secret');
      return path.basename(other);
    });
  }

  it('is looked for where nothing is', async () => {
    await sweepScratch(path.join(within, 'nowhere'), 'proof-');
  });
});
