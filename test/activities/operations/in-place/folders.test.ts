import assert from 'node:assert/strict';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { dataFolder } from '../../../../activities/operations/in-place/folders.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, plugIn, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';

describe('the data folder of a restore in place', () => {
  after(cleanUp);

  it('is what a link leads to; a mount point is refused, also of a folder of the same disk', async () => {
    const folder = await temporaryFolder();
    const [data, link, bound] = ['data', 'link', 'bound'].map((name) => path.join(folder, name));
    assert.ok(data && link && bound);
    await mkdir(data);
    await mkdir(bound);
    await symlink('data', link);
    assert.equal(await dataFolder(link), data);
    plugIn(data, bound);
    for (const mounted of [bound, await smallFileSystem('1m')])
      assert.match((await isBackupError(dataFolder(mounted), 'refused')).message, /is a mount point: it cannot be/);
  });
});
