/** A backup of one artifact in a vault of its own: for tests of what a vault keeps elsewhere. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { tagOf } from '../../../../activities/storage/glacier/records.ts';
import { listAll } from '../../../../activities/storage/list-all.ts';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import type { Destination, InventoryReport } from '../../../../activities/storage/types.ts';
import { archiveRecord, type ArchiveFacts } from '../../../../model/archive-record.ts';
import { storedOf, testBackup } from '../../../support/backups.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import type { Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, NEAR, type VaultContext } from './place.ts';

const WHOLE = 16 * 2 ** 20;
export const bytes = randomBytes(300_000);
export const backup = testBackup({ tier: 'yearly', artifacts: { 'base.tar.zst.age': bytes } });
export const KEY = `${backup.folder}/base.tar.zst.age`;

export interface Stored {
  readonly context: VaultContext;
  readonly cold: Destination;
  readonly near: Destination;
  /** Of `near`. */
  readonly folder: string;
  /** Puts the backup there. */
  readonly store: () => Promise<void>;
  /** The file of the artifact's record, and what is in it. */
  readonly onlyRecord: () => Promise<{ readonly own: string; readonly record: ArchiveFacts }>;
  /** Another record, as somebody puts it who may write there. Returns its file. */
  readonly forge: (fields: Partial<ArchiveFacts>, key?: string) => Promise<string>;
  /** Asks for an inventory, and looks at it. */
  readonly report: () => Promise<InventoryReport>;
}

export async function openStored(vaults: Vaults): Promise<Stored> {
  const folder = await temporaryFolder();
  const context = await contextOf(vaults, { folder, partSize: WHOLE });
  const cold = destinationOf(context);

  async function onlyRecord() {
    const records = path.join(folder, 'vaults/cold', `${KEY}.archive`);
    const [name = ''] = await readdir(records);
    const own = path.join(records, name);
    return { own, record: archiveRecord.parse(JSON.parse(await readFile(own, 'utf8'))) };
  }
  return {
    context,
    cold,
    near: destinationOf(context.others?.[NEAR] ?? assert.fail()),
    folder,
    async store() {
      await cold.put(KEY, await writeObject(), storedOf(bytes), testWork());
      await cold.putSmall(`${backup.folder}/key.age`, Buffer.from('key'), { replace: false });
      await cold.putSmall(`${backup.folder}/manifest.json`, encodeManifest(backup.manifest), { replace: false });
    },
    onlyRecord,
    async forge(fields, key = KEY) {
      const { record } = await onlyRecord();
      const forged = { ...record, key, ...fields };
      const { uploaded, archiveId, bytes: size } = forged;
      const name = `${uploaded.replaceAll(/[-:.]/g, '')}-${size}-${tagOf(archiveId)}.json`;
      const above = path.join(folder, 'vaults/cold', `${key}.archive`, name);
      await mkdir(path.dirname(above), { recursive: true });
      await writeFile(above, JSON.stringify(forged));
      return above;
    },
    async report() {
      await cold.inventory?.ask();
      const found = await cold.inventory?.look();
      assert.ok(found?.state === 'ready', found?.state);
      return found.report;
    },
  };
}

/** The artifact as a file. */
export async function writeObject(): Promise<string> {
  const made = path.join(await temporaryFolder(), 'object');
  await writeFile(made, bytes);
  return made;
}

export async function keysOf(destination: Destination): Promise<readonly string[]> {
  return (await listAll(destination, '')).map(({ key }) => key);
}
