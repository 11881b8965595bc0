/**
 * Append-only files made of an RDB. A server with "appendonly yes" ignores a lone dump and starts empty, and its next
 * write would begin a history without all that was restored. So where it is to have AOF on, what is restored gets files of it:
 * an RDB as their base, as BGREWRITEAOF leaves it too, an empty increment behind it, and the manifest that names both
 * (Redis 7.0 and newer, all Valkey: they tell an RDB by its first bytes, whatever aof-use-rdb-preamble says). No server
 * is started for it, so it takes none of the data's memory.
 */
import { constants, copyFile, link, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { translated } from '../../storage/fs-errors.ts';
import type { Work } from '../../work.ts';
import { appendFolder, isBeside } from './append-folder.ts';
import { formatManifest, manifestEntry } from './aof-manifest.ts';
import { whyOther, type Expected } from './compare.ts';
import type { Position } from './position.ts';
import type { Programs } from './programs.ts';
import { requireSound } from './sound.ts';
import { rdbCounts } from './tools.ts';

export interface Preparation {
  /** Has the dump. What it has of append-only files is replaced. */
  readonly data: string;
  readonly names: Position['names'];
  readonly programs: Pick<Programs, 'checkAof'>;
  readonly expected: Expected;
  readonly work: Work;
}

/**
 * @throws BackupError `verification-failed` when the dump is not whole, or not what was counted; `no-space`; `refused`
 *   for a folder outside of the data.
 */
export async function prepareAof({ data, names, programs, expected, work }: Preparation): Promise<void> {
  const { dbfilename, appendfilename } = names;
  const folder = appendFolder(data, names);
  const base = manifestEntry(`${appendfilename}.1.base.rdb`, 1, 'base');
  const increment = manifestEntry(`${appendfilename}.1.incr.aof`, 1, 'incr');
  const manifest = path.join(folder, `${appendfilename}.manifest`);
  await translated(folder, 'Making append-only files of the dump', async () => {
    // Of an attempt that was killed. By "." it is the data folder, with the dump in it.
    if (!isBeside(names)) await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { mode: 0o700, recursive: true });
    await linkOrCopy(path.join(data, dbfilename), path.join(folder, base.name));
    await writeFile(path.join(folder, increment.name), '', { mode: 0o600 });
    await writeFile(manifest, formatManifest([base, increment]), { mode: 0o600 });
  });
  // Reads every byte of the base, and counts as it goes.
  const why = whyOther(expected, rdbCounts(await requireSound(programs.checkAof, manifest, work)));
  if (why === undefined) return;
  throw new BackupError('verification-failed', `What was restored is not what was backed up: ${why}`, {
    remedy: 'Restore another backup, or this one from another copy.',
  });
}

/** One file under two names: the server replaces either as a whole, and changes neither. Not every file system has links. */
async function linkOrCopy(file: string, to: string): Promise<void> {
  try {
    await link(file, to);
  } catch {
    await copyFile(file, to, constants.COPYFILE_FICLONE);
  }
}
