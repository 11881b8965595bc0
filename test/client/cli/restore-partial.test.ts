/** Restores of a backup that could not capture everything. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { damagedDisk, removeDamagedDisks } from '../../support/damaged-disk.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

describe('restore of a partial backup', () => {
  let folder: string;
  let disk: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    disk = await damagedDisk();
    test = await makeSite({ folder, sources: { disk: { type: 'files', paths: [disk] } } });
    const scheduled = '2026-11-22T02:00:00Z';
    const of = {
      source: 'disk',
      tier: 'daily',
      runId: `daily-${scheduled}`,
      scheduled,
      attempt: 1,
      busy: 1000,
    } as const;
    await captureBackup({ site: test.site, ...of, work: testWork() });
  });
  after(async () => {
    removeDamagedDisks();
    await cleanUp();
  });

  function restore(to: string, ...more: readonly string[]): Promise<Ended> {
    const words = ['restore', 'latest', '--source', 'disk', '--to', path.join(folder, to), '--direct', ...more];
    return mosaicHere(['-c', test.file, ...words]);
  }

  it('says before it begins what is not in it', async () => {
    const { code, stderr } = await restore('all');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^the backup is partial: .*\/bad could not be read/m);
    const dry = await restore('dry', '--dry-run', '--json');
    const { partial } = JSON.parse(dry.stdout) as { partial: readonly string[] };
    assert.match(partial.join(), /\/bad could not be read/);
  });

  it('gives single paths that it has, and names those among them that it may not have', async () => {
    const { code, stderr } = await restore('some', '--path', path.join(disk, '*'));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^of these, changed or not readable .*: \S*\/bad$/m);
    assert.doesNotMatch(stderr, /is partial/);
    assert.ok((await readdir(path.join(folder, 'some', disk))).includes('good'));
  });

  it('is no restore where it has nothing of what was asked for', async () => {
    const { code, stderr } = await restore('none', '--path', path.join(disk, 'bad'));
    assert.equal(code, 6, stderr);
    assert.match(stderr, /the backup does not hold \S*\/bad: it vanished, or could not be read/);
    assert.ok(!(await readdir(folder)).includes('none'));
  });
});
