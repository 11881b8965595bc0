import assert from 'node:assert/strict';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withCopyUnderWay } from '../../../activities/operations/copy-under-way.ts';
import { thisHolder } from '../../../activities/storage/holder.ts';
import type { Site } from '../../../activities/site.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const FOLDER = 'daily/stack/20261123T020000Z-full';

describe('a copy that is under way', () => {
  let site: Site;
  let notes: string;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    ({ site } = await makeSite({ folder, sources: { stack: { type: 'files', paths: ['/srv'] } } }));
    notes = path.join(site.state, 'copying', 'vault');
  });
  after(cleanUp);

  function copyAs(wait: boolean): Promise<string | undefined> {
    const of = { site, destination: 'vault', folder: FOLDER, wait, work: testWork() };
    return withCopyUnderWay(of, async () => 'copied');
  }

  /** A note of a living process, which gave its last sign so many milliseconds ago. */
  async function noted(ago: number): Promise<void> {
    await mkdir(notes, { recursive: true });
    const file = path.join(notes, FOLDER.replaceAll('/', '~'));
    await writeFile(file, JSON.stringify(thisHolder()));
    const last = new Date(Date.now() - ago);
    await utimes(file, last, last);
  }

  it('is left to who makes it, or waited for', async () => {
    await noted(0);
    assert.equal(await copyAs(false), undefined);
    const waiting = copyAs(true);
    await noted(60_000);
    assert.equal(await waiting, 'copied');
    assert.deepEqual(await readdir(notes), [], 'and nothing is left of the note');
  });

  it('keeps nobody waiting for a process that lives and is stopped', async () => {
    await noted(60_000);
    assert.equal(await copyAs(false), 'copied');
  });

  it('gives a sign of life as long as it goes on', async () => {
    const of = { site, destination: 'vault', folder: FOLDER, wait: false, work: testWork() };
    const done = await withCopyUnderWay(of, async () => {
      await noted(60_000);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      return copyAs(false);
    });
    assert.equal(done, undefined, 'what looked silent has spoken again');
  });
});
