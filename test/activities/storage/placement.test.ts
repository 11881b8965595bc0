import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { copyBackup } from '../../../activities/operations/copy.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { deviceOf } from '../../../activities/storage/device.ts';
import { sitePlacement } from '../../../activities/storage/placement.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { Site } from '../../../activities/site.ts';
import { writeBackup } from '../../support/backups.ts';
import { cleanUp, smallFileSystem, temporaryFolder, unmount } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

describe('placement of a site', () => {
  let site: Site;
  let vault: string;
  let far: string;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    vault = await smallFileSystem('4m');
    far = await smallFileSystem('4m');
    const destinations = {
      vault: { type: 'directory', path: vault },
      far: { type: 'directory', path: far, offsite: true },
    } as const;
    ({ site } = await makeSite({
      folder,
      destinations,
      sources: { stack: { type: 'files', paths: ['/etc/hostname'] } },
    }));
  });
  after(cleanUp);

  async function captureAndCopy(): Promise<void> {
    const own = await siteSigner(site);
    const backups = [
      await writeBackup(site.repository, { source: 'stack', group: 'apps', signer: own }),
      await writeBackup(site.repository, { source: 'mosaic-backup-local', group: 'configs', signer: own }),
    ];
    const from = repositoryStore(site.repository);
    for (const name of ['vault', 'far']) {
      const to = openDestination(name, site);
      for (const backup of backups)
        await copyBackup({ site, from, to, backup, catalogue: await listBackups(from), work: testWork() });
    }
  }

  it('finds a source that nothing holds, before anything was ever captured', async () => {
    const { sources, findings } = await sitePlacement(site);
    const nothing = { reference: null, places: [], copies: 0, devices: 0, offsite: 0 };
    assert.deepEqual(sources, [
      { source: 'stack', ...nothing },
      { source: 'mosaic-backup-local', ...nothing },
    ]);
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['placement.below-3-2-1', 'placement.below-3-2-1'],
    );
  });

  it('finds nothing amiss with three copies on three devices, one of them off-site', async () => {
    await captureAndCopy();
    const { sources, findings } = await sitePlacement(site);
    assert.deepEqual(findings, []);
    assert.deepEqual(sources[0]?.places, ['repository', 'vault', 'far']);
    assert.deepEqual([sources[0].copies, sources[0].devices, sources[0].offsite], [3, 3, 1]);
  });

  it('counts no copy at a place that cannot be reached, or whose manifest cannot be read', async () => {
    await captureAndCopy();
    unmount(far);
    await writeFile(path.join(vault, 'daily/apps/stack/20261123T020000Z-full/manifest.json'), 'not JSON');
    const { sources, findings } = await sitePlacement(site);
    assert.deepEqual(sources[0]?.places, ['repository']);
    const codes = findings.map(({ code, subject }) => `${code} ${subject}`);
    assert.deepEqual(codes, [
      'placement.unreadable vault',
      'placement.unreachable far',
      'placement.below-3-2-1 stack',
      'placement.below-3-2-1 mosaic-backup-local',
    ]);
  });

  it('knows one device from another', async () => {
    const below = path.join(vault, 'a/b');
    await mkdir(below, { recursive: true });
    assert.equal(await deviceOf(below), await deviceOf(vault));
    assert.notEqual(await deviceOf(vault), await deviceOf(far));
    assert.notEqual(await deviceOf(vault), await deviceOf(path.dirname(site.repository)));
    assert.match(await deviceOf(vault), /^fs:tmpfs:\d+$/);
  });
});
