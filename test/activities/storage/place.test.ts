import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { MARKER, requirePlace, wasUsed } from '../../../activities/storage/place.ts';
import type { Place } from '../../../activities/storage/place.ts';
import { openRepository, prepareRepository, requireOwnRepository } from '../../../activities/storage/repository.ts';
import type { BackupError } from '../../../model/errors.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';

describe('place', () => {
  let state: string;
  let root: string;

  beforeEach(async () => {
    state = await temporaryFolder();
    root = path.join(state, 'place');
  });
  afterEach(endChildren);
  after(cleanUp);

  function place(other: Partial<Place> = {}): Place {
    return { what: 'destination vault', root, site: 'test', state, ...other };
  }

  function memory(): string {
    return path.join(state, 'places', 'destination-vault.json');
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
    assert.deepEqual((await readdir(root)).toSorted(), ['.incoming', MARKER]);
    assert.deepEqual(await readdir(path.join(root, '.incoming')), []);
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

  for (const damage of ['', '{"path":', '{"path":7}', '\u0000\u0000']) {
    it(`is known again by its marker when what is remembered is damaged (${JSON.stringify(damage)})`, async () => {
      await mkdir(root);
      await requirePlace(place(), 'write');
      const marker = await readFile(path.join(root, MARKER), 'utf8');
      await writeFile(memory(), damage);
      await requirePlace(place(), 'read');
      await requirePlace(place(), 'write');
      assert.equal(await readFile(path.join(root, MARKER), 'utf8'), marker);
      assert.match(await readFile(memory(), 'utf8'), /"path"/);
    });

    it(`is never marked while what is remembered is damaged: it may be a bare mount point (${JSON.stringify(damage)})`, async () => {
      await mkdir(root);
      await requirePlace(place(), 'write');
      await writeFile(memory(), damage);
      await rename(root, `${root}.away`);
      await mkdir(root);
      for (const use of ['read', 'write'] as const) {
        await assert.rejects(requirePlace(place(), use), (error: BackupError) => {
          assert.ok((error.remedy ?? '').includes(`rm ${memory()}`));
          return unreachable(error) && error.retryable;
        });
        await assert.rejects(requirePlace(place({ removable: true }), use), unreachable);
      }
      assert.deepEqual(await readdir(root), []);
      await rm(root, { recursive: true });
      await rename(`${root}.away`, root);
      await requirePlace(place(), 'write');
    });

    it(`says which marker is damaged, and is tried again until it is mended (${JSON.stringify(damage)})`, async () => {
      await mkdir(root);
      await requirePlace(place(), 'write');
      const marker = path.join(root, MARKER);
      await writeFile(marker, damage);
      for (const use of ['read', 'write'] as const) {
        await assert.rejects(requirePlace(place(), use), (error: BackupError) => {
          assert.equal(error.retryable, true);
          assert.notEqual(error.code, 'unreachable', 'of a removable disk that is no failure');
          assert.ok(error.message.includes(marker));
          assert.ok(error.remedy?.includes(`rm ${marker} there, and here: rm -f ${memory()}`), error.remedy);
          return true;
        });
      }
      assert.equal(await readFile(marker, 'utf8'), damage, 'nothing of it is written over');
      // The remedy.
      await rm(marker);
      await assert.rejects(requirePlace(place(), 'write'), unreachable);
      await rm(memory());
      await requirePlace(place(), 'write');
      await requirePlace(place(), 'read');
    });
  }

  it('lets a worker start where the marker of its repository is damaged: its steps say so', async () => {
    const { site } = await makeSite({ folder: state, sources: { stack: { type: 'files', paths: ['/etc/hostname'] } } });
    await prepareRepository(site);
    await writeFile(path.join(site.repository, MARKER), '');
    await requireOwnRepository(site);
    await assert.rejects(prepareRepository(site), { code: 'preflight-failed', retryable: true });
    await assert.rejects(openRepository(site), { code: 'preflight-failed', retryable: true });
  });

  it('is not made for a repository while what is remembered of it is damaged', async () => {
    const { site } = await makeSite({ folder: state, sources: { stack: { type: 'files', paths: ['/etc/hostname'] } } });
    await prepareRepository(site);
    await writeFile(path.join(site.state, 'places', 'repository.json'), '');
    await rename(site.repository, `${site.repository}.away`);
    await assert.rejects(prepareRepository(site), unreachable);
    await assert.rejects(openRepository(site), unreachable);
    await rename(`${site.repository}.away`, site.repository);
    await openRepository(site);
    await prepareRepository(site);
  });

  it('is marked whole, or not at all, however often it is killed', async () => {
    await mkdir(root);
    const child = new URL('place-child.ts', import.meta.url);
    const started = startChild(child, { place: place() });
    await started.stopped();
    assert.deepEqual(
      (await readdir(root)).filter((name) => name === MARKER),
      [],
    );
    await started.signal('SIGKILL');
    await requirePlace(place(), 'write');
    assert.equal(await wasUsed(place()), true);
    assert.deepEqual(await readdir(path.join(root, '.incoming')), [], 'what the dead one left is removed');
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
