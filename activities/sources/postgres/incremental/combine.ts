/**
 * A full and its incrementals back into one base backup. pg_combinebackup believes its inputs, so each is verified
 * before; and what it made is verified after.
 */
import { link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../../model/errors.ts';
import { withoutExports } from '../../../../model/export.ts';
import { sizes } from '../../../../model/manifest.ts';
import { errnoOf } from '../../../storage/fs-errors.ts';
import { requireSpace } from '../../../storage/space.ts';
import { runPipeline } from '../../../streams/pipeline.ts';
import type { Work } from '../../../work.ts';
import type { BackupReader } from '../../types.ts';
import { programOf, type Binaries } from '../binaries.ts';
import { BACKUP_MANIFEST, extract, linkTablespace, type Place } from '../extract.ts';
import { requireBackupManifest, requirePosition, verifyFiles } from '../verify-files.ts';
import { requireLabel } from './chain.ts';

/** Inside the folder that is restored into, so that all is on one file system; removed at the end. */
const FOLDER = 'mosaic-chain';

/** The first version that can link files into its output, in place of copying them. */
const LINKS_SINCE = 18;

export interface CombineRequest {
  /** Full first, at least two; they are one chain. */
  readonly chain: readonly BackupReader[];
  /** Where the result goes; the data folder is empty. */
  readonly place: Place;
  readonly binaries: Binaries;
  readonly work: Work;
}

/** @returns the OIDs of the tablespaces, each linked to its folder. */
export async function combine({ chain, place, binaries, work }: CombineRequest): Promise<readonly string[]> {
  // All members, and what is made of them; no block of it is in none of them.
  const members = chain.reduce((sum, { manifest }) => sum + sizes(withoutExports(manifest)).plain, 0);
  await requireSpace({ path: place.data, needed: 2 * members });
  const folder = path.join(place.data, FOLDER);
  await mkdir(folder, { mode: 0o700 });
  const extracted: Place[] = [];
  let oids: readonly string[] = [];
  for (const [index, backup] of chain.entries()) {
    const own = await makePlace(path.join(folder, String(index)));
    oids = await extract(backup, own);
    await verifyFiles(binaries, own.data, work);
    await requirePosition(backup.manifest, own.data);
    await requireBackupManifest(backup.manifest, own.data);
    const parent = chain[index - 1];
    if (parent) await requireLabel(parent.manifest, backup.manifest, own.data);
    extracted.push(own);
  }
  const made = { data: path.join(folder, 'data'), tablespaces: path.join(folder, 'tablespaces') };
  await runCombine({ extracted, made, oids, binaries, work });
  await verifyFiles(binaries, made.data, work);
  const newest = chain.at(-1);
  if (newest) await requirePosition(newest.manifest, made.data);
  await moveInto(made, place, oids);
  await rm(folder, { recursive: true });
  return oids;
}

async function makePlace(folder: string): Promise<Place> {
  const place = { data: path.join(folder, 'data'), tablespaces: path.join(folder, 'tablespaces') };
  await mkdir(place.data, { recursive: true, mode: 0o700 });
  return place;
}

interface Combination {
  readonly extracted: readonly Place[];
  readonly made: Place;
  readonly oids: readonly string[];
  readonly binaries: Binaries;
  readonly work: Work;
}

async function runCombine({ extracted, made, oids, binaries, work }: Combination): Promise<void> {
  const last = extracted.at(-1);
  if (!last) throw new TypeError('a combination of nothing');
  const mappings = oids.map(
    (oid) =>
      `--tablespace-mapping=${escaped(path.join(last.tablespaces, oid))}=${escaped(path.join(made.tablespaces, oid))}`,
  );
  // The inputs are wiped afterwards, so sharing files with them does no harm; and the caller syncs.
  const links = binaries.major >= LINKS_SINCE && (await canLink(last.data)) ? ['--link'] : [];
  const options = ['--no-sync', '--manifest-checksums=SHA256', ...links, ...mappings, `--output=${made.data}`];
  const args = [...options, '--', ...extracted.map(({ data }) => data)];
  const program = programOf(binaries, 'pg_combinebackup', { args, cwd: '/' });
  try {
    await runPipeline({ programs: [program], bytes: () => 0, phase: 'combining', total: null, work });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    throw new BackupError('verification-failed', `The backups of the chain cannot be combined: ${error.message}`, {
      remedy: 'Restore the full, or the chain from another copy.',
      facts: error.facts,
      cause: error,
    });
  }
}

/** In a mapping an equals sign stands behind a backslash. */
function escaped(folder: string): string {
  return folder.replaceAll('=', String.raw`\=`);
}

async function canLink(data: string): Promise<boolean> {
  const probe = `${data}.link`;
  try {
    await link(path.join(data, BACKUP_MANIFEST), probe);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    // A file system without links, or one at its limit of them: files are copied there.
    return false;
  }
  await rm(probe);
  return true;
}

async function moveInto(made: Place, place: Place, oids: readonly string[]): Promise<void> {
  for (const name of await readdir(made.data)) await rename(path.join(made.data, name), path.join(place.data, name));
  if (oids.length === 0) return;
  await mkdir(place.tablespaces, { mode: 0o700 });
  for (const oid of oids) {
    await rename(path.join(made.tablespaces, oid), path.join(place.tablespaces, oid));
    await linkTablespace(place.data, oid, place.tablespaces);
  }
}
