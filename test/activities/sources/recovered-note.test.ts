import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { notedLastCommit, noteLastCommit } from '../../../activities/sources/recovered-note.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const OF = { source: 'db', id: '20260301T020000Z-full' };
const [EARLY, LATE] = ['2026-03-01T02:00:00Z', '2026-03-02T02:00:00Z'];

describe('the note of what a recovery has replayed', () => {
  after(cleanUp);

  it('is of one backup: what a later backup of the restored server brings along is not believed, nor what is damaged', async () => {
    const data = await temporaryFolder();
    assert.equal(await notedLastCommit(data, OF), undefined);
    await noteLastCommit(data, OF, EARLY);
    assert.equal(await notedLastCommit(data, OF), EARLY);
    const later = { ...OF, id: '20260302T020000Z-full' };
    assert.equal(await notedLastCommit(data, later), undefined);
    assert.equal(await notedLastCommit(data, { ...OF, source: 'other' }), undefined);
    await noteLastCommit(data, later, LATE);
    assert.equal(await notedLastCommit(data, later), LATE);
    for (const text of ['', '{"source":"db"', '{"source":"db","backup":1}', 'null']) {
      await writeFile(path.join(data, 'mosaic-recovered.json'), text);
      assert.equal(await notedLastCommit(data, later), undefined, text);
    }
  });
});
