/** A site with one files source, and what tests do with it. */
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { openBackup } from '../../../../activities/operations/reader.ts';
import { proveBackup, restoreBackup } from '../../../../activities/operations/restore.ts';
import { type ListedEntry, readInventory } from '../../../../activities/sources/files/inventory.ts';
import { chainOf, findBackup, listBackups, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { filesSource } from '../../../../model/config/source.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import type { Check } from '../../../../model/evidence.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork, type TestWork } from '../../../support/work.ts';

type FilesInput = Extract<SiteInput['sources'][string], { type: 'files' }>;

export interface FilesSite {
  readonly folder: string;
  /** The source's own folder in state. */
  readonly state: string;
  /** Captures at the next minute; other options than the site's replace them. */
  capture(options?: Partial<FilesInput>, work?: TestWork): Promise<Manifest>;
  /** Restores the newest backup, or one by its id, into a new folder; gives the folder. */
  restore(options?: { readonly paths?: readonly string[]; readonly id?: string }): Promise<string>;
  prove(id?: string): Promise<readonly Check[]>;
  inventory(id?: string): Promise<ReadonlyMap<string, ListedEntry>>;
  backups(): Promise<readonly Catalogued[]>;
}

export async function filesSite(paths: readonly string[], options: Partial<FilesInput> = {}): Promise<FilesSite> {
  const folder = await temporaryFolder();
  const base: FilesInput = { type: 'files', paths: [...paths], ...options };
  let { site } = await makeSite({ folder, sources: { tree: base } });
  let config: FilesInput = base;
  let minute = 0;
  let restores = 0;
  const store = repositoryStore(site.repository);

  async function newest(id?: string): Promise<Catalogued> {
    const catalogue = await listBackups(store);
    if (id !== undefined) return findBackup(catalogue, id);
    const last = catalogue.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
    if (!last) throw new Error('no backup yet');
    return last;
  }

  return {
    folder,
    state: path.join(folder, 'state', 'sources', 'tree'),
    async capture(changes = {}, work = testWork()) {
      if (Object.keys(changes).length > 0) {
        config = { ...config, ...changes };
        const source = filesSource.parse(config);
        site = { ...site, config: { ...site.config, sources: { tree: source } } };
      }
      minute += 1;
      const scheduled = new Date(Date.UTC(2026, 10, 23, 2, minute)).toISOString().replace('.000Z', 'Z');
      await captureBackup({
        site,
        source: 'tree',
        tier: 'daily',
        runId: `daily-${scheduled}`,
        scheduled,
        attempt: 1,
        busy: 0,
        work,
      });
      return (await newest()).manifest;
    },
    async restore({ paths: wanted = [], id } = {}) {
      restores += 1;
      const to = path.join(folder, `restored-${restores}`);
      const chain = chainOf(await listBackups(store), await newest(id));
      await restoreBackup({ site, store, chain, to, paths: wanted, work: testWork() });
      return to;
    },
    async prove(id) {
      const chain = chainOf(await listBackups(store), await newest(id));
      return proveBackup({ site, store, chain, within: path.join(folder, 'proof'), work: testWork() });
    },
    async inventory(id) {
      return readInventory(await openBackup({ site, store, backup: await newest(id), work: testWork() }));
    },
    backups: () => listBackups(store),
  };
}
