import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { holderTag, thisHolder } from '../../../../activities/storage/holder.ts';
import { uploadsIn } from '../../../../activities/storage/upload/uploads.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';

describe('what is remembered of uploads', () => {
  after(cleanUp);

  it('is rid of what a killed process had half written, and of nothing that somebody is writing', async () => {
    const folder = await temporaryFolder();
    const half = (holder: Parameters<typeof holderTag>[0]) =>
      `${'0'.repeat(32)}-${crypto.randomUUID()}${holderTag(holder)}.${crypto.randomUUID()}`;
    const [dead, living] = [half({ ...thisHolder(), pid: 0, start: '0' }), half(thisHolder())];
    for (const name of [dead, living]) await writeFile(path.join(folder, name), '{');
    const uploads = uploadsIn(folder, 'bucket');
    assert.deepEqual(await uploads.all(), []);
    assert.deepEqual(await readdir(folder), [living]);
  });
});
