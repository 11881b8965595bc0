/** A whole place, folder by folder, in the order of keys: however much it holds, one folder is in memory at a time. */
import path from 'node:path';
import { MANIFEST, RECORD_FOLDERS, VAULTS } from '../../../model/paths.ts';
import { TIERS } from '../../../model/source.ts';
import type { ListedObject, Store } from '../../storage/types.ts';

/** What lies in one folder. `backup` has a manifest; `leftover` is where backups are and has none; `foreign` is of nothing of ours. */
export interface PlaceFolder {
  readonly what: 'backup' | 'leftover' | 'foreign';
  readonly folder: string;
  readonly objects: readonly ListedObject[];
}

const BACKUPS: ReadonlySet<string> = new Set(['configs', 'logs', ...TIERS]);
/** What lies in vaults is walked with the vault. */
const RECORDS: ReadonlySet<string> = new Set([...RECORD_FOLDERS, VAULTS]);

/** Every folder of a place that has objects in it; small records are left out, and what is kept there for vaults. */
export async function* walkPlace(store: Store): AsyncGenerator<PlaceFolder> {
  let folder = '';
  let objects: ListedObject[] = [];
  for await (const object of store.list('')) {
    const own = path.posix.dirname(object.key);
    if (own !== folder && objects.length > 0) {
      yield folderOf(folder, objects);
      objects = [];
    }
    folder = own;
    if (!RECORDS.has(topOf(object.key))) objects.push(object);
  }
  if (objects.length > 0) yield folderOf(folder, objects);
}

function folderOf(folder: string, objects: readonly ListedObject[]): PlaceFolder {
  if (!BACKUPS.has(topOf(folder))) return { what: 'foreign', folder, objects };
  const whole = objects.some(({ key }) => key === `${folder}/${MANIFEST}`);
  return { what: whole ? 'backup' : 'leftover', folder, objects };
}

function topOf(key: string): string {
  return key.split('/', 1)[0] ?? '';
}
