import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { restoreBackup } from '../../../activities/operations/restore.ts';
import { chainOf, listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { testWork } from '../../support/work.ts';

describe('a restore that fails', () => {
  after(cleanUp);

  it('leaves none of the folders above its target that it has made, and those of others', async () => {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'large'), Buffer.alloc(3 * 2 ** 20));
    const { site } = await makeSite({ folder, sources: { stack: { type: 'files', paths: [data] } } });
    const scheduled = '2026-11-23T03:00:00Z';
    const of = { site, source: 'stack', work: testWork() };
    await captureBackup({ ...of, tier: 'daily', runId: `run-${scheduled}`, scheduled, attempt: 1, busy: 1000 });
    const store = repositoryStore(site.repository);
    const catalogue = await listBackups(store);
    const [backup] = catalogue;
    assert.ok(backup);
    await withSmallDisk(2, async (disk) => {
      await mkdir(path.join(disk, 'mine'));
      for (const above of [['new'], ['new', 'newer'], ['mine'], ['mine', 'new']]) {
        const to = path.join(disk, ...above, 'below');
        const paths = [path.join(data, 'large')];
        await isBackupError(restoreBackup({ ...of, store, chain: chainOf(catalogue, backup), to, paths }), 'no-space');
        assert.deepEqual(await readdir(disk, { recursive: true }), ['mine']);
      }
    });
  });
});
