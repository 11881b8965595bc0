/** One backup with all that it builds on, read from a place without reading the rest of its catalogue. */
import { MANIFEST, possibleFolders } from '../../model/paths.ts';
import { formatReference, parseReference } from '../../model/reference.ts';
import type { Catalogued } from './catalogue.ts';
import { readableManifest } from './manifest-file.ts';
import type { Store } from './types.ts';

/**
 * The backup and its parents as far as they are there and can be read, for `chainOf` to judge: what is missing or
 * another one is found there.
 */
export async function chainAt(store: Store, backup: Catalogued): Promise<readonly Catalogued[]> {
  const chain = [backup];
  const seen = new Set([backup.folder]);
  for (let child = backup; child.manifest.parent !== null;) {
    const parent = await backupNamed(store, child.manifest.parent.reference);
    if (parent === undefined || seen.has(parent.folder)) break;
    seen.add(parent.folder);
    chain.push(parent);
    child = parent;
  }
  return chain;
}

/** A backup by its folder; undefined where there is none, or none that can be read. */
export async function backupIn(store: Store, folder: string): Promise<Catalogued | undefined> {
  const bytes = await store.readSmall(`${folder}/${MANIFEST}`);
  const manifest = bytes && readableManifest(bytes);
  if (!manifest) return undefined;
  const { tier, source, id } = manifest;
  return { name: { tier, source, id }, folder, manifest };
}

async function backupNamed(store: Store, reference: string): Promise<Catalogued | undefined> {
  const name = parseReference(reference);
  if (name === undefined) return undefined;
  for (const folder of possibleFolders(name)) {
    const found = await backupIn(store, folder);
    if (found && formatReference(found.name) === reference) return found;
  }
  return undefined;
}
