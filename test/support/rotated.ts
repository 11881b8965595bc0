/** A site with some backups at two places, whose recipients change: for tests of rotations. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { editConfig, itemRemoved, itemsAdded } from '../../activities/config/edit.ts';
import { loadSite } from '../../activities/config/load.ts';
import { newIdentity, unwrapIdentity } from '../../activities/keys/identity.ts';
import { captureBackup } from '../../activities/operations/capture.ts';
import { copyToDestination } from '../../activities/operations/copy-to.ts';
import type { Site } from '../../activities/site.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { readPage } from '../../activities/storage/catalogue.ts';
import { rotateHere } from '../../client/keys/rotate-here.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { RotationReport } from '../../model/rotation.ts';
import { makeSite, type TestSite } from './site.ts';
import { testWork } from './work.ts';

export interface Rotatable extends TestSite {
  readonly folder: string;
  /** Identity file of a recipient that the config does not name yet. */
  readonly fresh: string;
  readonly freshRecipient: string;
  /** The first identity's recipient, which is to go. */
  readonly oldRecipient: string;
  readonly data: string;
  /** Folders of the places. */
  readonly places: readonly string[];
}

/** One `files` source, no backup yet. */
export async function makeRotatable(folder: string, more: Partial<SiteInput> = {}): Promise<Rotatable> {
  const data = path.join(folder, 'data.txt');
  await writeFile(data, 'what was there first\n');
  const made = await makeSite({
    folder,
    sources: { stack: { type: 'files', group: 'configs', paths: [data] } },
    ...more,
  });
  const { identity, recipient: freshRecipient } = await newIdentity();
  const fresh = path.join(folder, 'keys', 'fresh.txt');
  await writeFile(fresh, `${identity}\n`, { mode: 0o600 });
  const [oldRecipient = ''] = made.site.config.encryption.recipients;
  const destinations = Object.values(made.site.config.destinations);
  const vaults = destinations.flatMap((config) => (config.type === 'directory' ? [config.path] : []));
  return { ...made, folder, fresh, freshRecipient, oldRecipient, data, places: [made.site.repository, ...vaults] };
}

/** Captures, and copies to every destination. Returns the reference. */
export async function backUp(
  site: Site,
  scheduled: string,
  destinations = Object.keys(site.config.destinations),
): Promise<string> {
  const run = { site, source: 'stack', tier: 'daily', runId: `daily-${scheduled}`, scheduled } as const;
  const { backup } = await captureBackup({ ...run, attempt: 1, busy: 0, work: testWork() });
  for (const destination of destinations) await copyToDestination({ site, backup, destination, work: testWork() });
  return backup.reference;
}

/** The config names the fresh recipient in place of the old one. */
export async function changeRecipients({ file, freshRecipient, oldRecipient }: Rotatable): Promise<Site> {
  const at = ['encryption', 'recipients'];
  const edit = { file, env: process.env, wanted: () => true };
  await editConfig({ ...edit, edits: (editing) => [itemsAdded(editing, at, [freshRecipient])] });
  await editConfig({ ...edit, edits: (editing) => [itemRemoved(editing, at, oldRecipient)] });
  return loadSite({ file, env: process.env });
}

/** A rotation in this process, a backup a page; of one place alone where one is named. */
export function rotate(site: Site, identities: readonly string[], place?: string): Promise<RotationReport> {
  const input = { site: 'test', host: site.host, identities, ...(place === undefined ? {} : { place }) };
  return rotateHere({ site, input, pageSize: 1, work: testWork(), onProgress: () => {} });
}

/** What each of some identity files opens at a place, by the folder's name: the manifest's key, and key.age. */
export async function opening(
  root: string,
  identityFile: string,
): Promise<Record<string, readonly [manifest: boolean, beside: boolean]>> {
  const identities = await readFile(identityFile, 'utf8');
  const store = directoryStore(root);
  const opens = (text: string) =>
    unwrapIdentity(text, identities).then(
      () => true,
      () => false,
    );
  const { backups, problems } = await readPage(store, null, 1000);
  assert.deepEqual(problems, []);
  const found = await Promise.all(
    backups.map(async ({ folder, manifest }) => {
      const beside = await readFile(path.join(root, folder, 'key.age'), 'utf8');
      return [folder, [await opens(manifest.key), await opens(beside)] as const] as const;
    }),
  );
  return Object.fromEntries(found);
}
