import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MARKER, requirePlace, wasUsed } from '../../../activities/storage/place.ts';
import type { Place } from '../../../activities/storage/place.ts';
import { openRepository, prepareRepository } from '../../../activities/storage/repository.ts';
import type { BackupError } from '../../../model/errors.ts';
import { cleanUp, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

describe('place', () => {
  let state: string;
  let root: string;

  beforeEach(async () => {
    state = await temporaryFolder();
    root = path.join(state, 'place');
  });
  after(cleanUp);

  function place(other: Partial<Place> = {}): Place {
    return { what: 'destination vault', root, site: 'test', state, ...other };
  }

  it('is never made: a missing folder may be a missing disk', async () => {
    await assert.rejects(requirePlace(place(), 'write'), unreachable);
    await assert.rejects(requirePlace(place(), 'read'), unreachable);
    assert.equal((await readdir(state)).includes('place'), false);
    await writeFile(root, 'a file');
    await assert.rejects(requirePlace(place(), 'write'), unreachable);
  });

  it('is marked when it is first written to, and not by reading', async () => {
    await mkdir(root);
    await requirePlace(place(), 'read');
    assert.deepEqual(await readdir(root), []);
    assert.equal(await wasUsed(place()), false);
    await Promise.all([requirePlace(place(), 'write'), requirePlace(place(), 'write')]);
    assert.deepEqual(await readdir(root), [MARKER]);
    assert.equal(await wasUsed(place()), true);
  });

  it('is not there when its disk is not mounted, and is there again after', async () => {
    root = await smallFileSystem('1m');
    await requirePlace(place(), 'write');
    unmount(root);
    await assert.rejects(requirePlace(place(), 'write'), (error: BackupError) => {
      assert.match(error.remedy ?? '', /Mount its disk\. .*destination-vault\.json/);
      return unreachable(error);
    });
    await assert.rejects(requirePlace(place(), 'read'), unreachable);
    assert.deepEqual(await readdir(root), []);
  });

  it('is known again when state is lost', async () => {
    await mkdir(root);
    await requirePlace(place(), 'write');
    await rm(path.join(state, 'places'), { recursive: true });
    await requirePlace(place(), 'read');
    await requirePlace(place(), 'write');
    assert.equal(await wasUsed(place()), true);
  });

  it('is a new one when the config says another folder', async () => {
    await mkdir(root);
    await requirePlace(place(), 'write');
    const moved = path.join(state, 'moved');
    await mkdir(moved);
    await requirePlace(place({ root: moved }), 'write');
  });

  it('belongs to one site', async () => {
    await mkdir(root);
    await requirePlace(place(), 'write');
    await assert.rejects(requirePlace(place({ site: 'other', state: await temporaryFolder() }), 'write'), {
      code: 'refused',
    });
  });

  it('is made for a repository on its first use, and then never again', async () => {
    const { site } = await makeSite({ folder: state, sources: { stack: { type: 'files', paths: ['/etc/hostname'] } } });
    await openRepository(site);
    await prepareRepository(site);
    await prepareRepository(site);
    await rm(site.repository, { recursive: true });
    await assert.rejects(prepareRepository(site), unreachable);
    await assert.rejects(openRepository(site), unreachable);
    await mkdir(site.repository);
    await assert.rejects(prepareRepository(site), unreachable);
  });
});

function unreachable(error: BackupError): boolean {
  return error.code === 'unreachable' && (error.remedy ?? '') !== '';
}
