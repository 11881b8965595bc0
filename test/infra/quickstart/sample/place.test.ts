/** The folder of the sample: nobody else's is touched, and what is half made is noticed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tidySample } from '../../../../infra/quickstart/sample/open.ts';
import {
  claimPlace,
  clearPlace,
  isComplete,
  markComplete,
  samplePlace,
} from '../../../../infra/quickstart/sample/place.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

const signal = new AbortController().signal;

describe('sample: its folder', () => {
  after(cleanUp);

  async function place() {
    return samplePlace({ MOSAIC_SAMPLE: path.join(await temporaryFolder(), 'sample') });
  }

  it('refuses a folder that holds something else, and leaves it as it is', async () => {
    const here = await place();
    await mkdir(here.root);
    await writeFile(path.join(here.root, 'thesis.txt'), 'all of it');
    await isBackupError(claimPlace(here, signal), 'refused');
    assert.equal(await readFile(path.join(here.root, 'thesis.txt'), 'utf8'), 'all of it');
  });

  it('refuses a path that rsync could not be told of, and makes nothing', async () => {
    const here = samplePlace({ MOSAIC_SAMPLE: path.join(await temporaryFolder(), 'my sample') });
    await isBackupError(claimPlace(here, signal), 'refused');
    assert.equal(existsSync(here.root), false);
  });

  it('is complete only once everything was made, and not any more once it is made anew', async () => {
    const here = await place();
    const lease = await claimPlace(here, signal);
    assert.equal(await isComplete(here), false);
    await mkdir(here.stack);
    await markComplete(here);
    assert.equal(await isComplete(here), true);
    await clearPlace(here);
    assert.equal(await isComplete(here), false);
    assert.equal(existsSync(here.stack), false);
    await lease.release();
  });

  it('takes a mark that was cut off as none', async () => {
    const here = await place();
    const lease = await claimPlace(here, signal);
    await writeFile(path.join(here.root, 'complete.json'), '{"vers');
    assert.equal(await isComplete(here), false);
    await lease.release();
  });

  it('leaves a process alone that only bears the number of a server that was', async () => {
    const here = await place();
    await mkdir(here.postgres, { recursive: true });
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(stranger, 'spawn');
    await writeFile(path.join(here.postgres, 'postmaster.pid'), `${stranger.pid}\n${here.postgres}\n`);
    await tidySample(here, { signal, note: () => undefined });
    assert.equal(stranger.exitCode, null);
    assert.equal(stranger.signalCode, null);
    assert.equal(existsSync(path.join(here.postgres, 'postmaster.pid')), false);
    stranger.kill();
    await once(stranger, 'exit');
  });
});
