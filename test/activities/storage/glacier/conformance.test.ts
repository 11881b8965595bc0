import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ArchiveFacts } from '../../../../model/archive-record.ts';
import { cleanUp, remount, smallFileSystem, unmount } from '../../../support/folders.ts';
import { startMoto, stopMoto } from '../../../support/moto/index.ts';
import { startVaults, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { folderPlace } from '../folder-place.ts';
import { destinationConformance, type Place } from '../conformance.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, thaw } from './place.ts';

const MEBIBYTE = 2 ** 20;
/** So that moto alone takes every archive: it knows no parts. */
const WHOLE = 64 * MEBIBYTE;
const READING = ['DescribeVault', 'ListJobs', 'DescribeJob', 'GetJobOutput'].map((right) => `glacier:${right}`);

describe('vaults of Glacier over moto', () => {
  let vaults: Vaults;
  let moto: string;

  before(async () => {
    moto = (await startMoto()).endpoint;
    vaults = await startVaults(moto);
  });
  afterEach(() => vaults.allow(undefined));
  after(async () => {
    await vaults.close();
    await stopMoto();
    await cleanUp();
  });

  async function vaultPlace(bytes: number): Promise<Place> {
    const folder = await smallFileSystem(String(bytes));
    const near = folderPlace(folder);
    const context = await contextOf(vaults, { folder, partSize: WHOLE, timeout: 10_000 });
    let gone = false;

    async function files(): Promise<readonly string[]> {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !['.mosaic-backup.json', '.filler'].includes(entry.name))
        .map((entry) => path.join(entry.parentPath, entry.name));
    }
    async function recordsOf(key: string): Promise<readonly ArchiveFacts[]> {
      const own = (await files()).filter((file) => file.includes(`${key}.archive/`));
      return Promise.all(own.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as ArchiveFacts));
    }
    return {
      context,
      endless: true,
      thaw: (key) => thaw(destinationOf(context), key),
      async damage(key) {
        for (const { archiveId } of await recordsOf(key)) vaults.damage(archiveId);
      },
      fill: () => near.fill(),
      async forbid() {
        vaults.allow(READING);
        remount(folder, 'ro');
      },
      async remove() {
        gone = true;
        unmount(folder);
      },
      async stored() {
        const all = await files();
        if (gone) return all.length;
        const records = all.filter((file) => file.includes('.archive/'));
        // Two records of one artifact are one object; an archive without a record is one that nobody knows.
        const artifacts = new Set(records.map((file) => path.dirname(file)));
        const unknown = (await vaults.count(context.config.vault)) - records.length;
        return all.length - records.length + artifacts.size + unknown;
      },
    };
  }

  destinationConformance('glacier', vaultPlace, { runs: 6 });
});
