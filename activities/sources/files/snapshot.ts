/**
 * tar's snapshot file: what `--listed-incremental` compares with. There is one in state for the newest backup,
 * named by the token that its manifest holds, so that it can only ever be used with exactly the backup that it
 * belongs to. tar works on a copy.
 */
import { lstatSync, type BigIntStats } from 'node:fs';
import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { errnoOf } from './errno.ts';

/** A folder as a snapshot file has it. */
export interface SnapshotFolder {
  /** Byte string, relative to the root. */
  readonly name: string;
  readonly device: string;
  readonly inode: string;
  /** Seconds and nanoseconds, joined by a dot, when tar listed the folder. */
  readonly mtime: string;
  /** Where the inode's digits begin in the file. */
  readonly inodeAt: number;
  /** Its entries: each a letter (`Y` archived, `N` not, `D` a folder), the name and NUL. */
  readonly entries: Buffer;
}

export interface Snapshot {
  /** When tar began: files with an older mtime and ctime count as unchanged. */
  readonly time: { readonly seconds: string; readonly nanoseconds: string };
  readonly timeAt: number;
  readonly folders: readonly SnapshotFolder[];
}

export function snapshotFile(state: string, token: string): string {
  return path.join(state, `tar-${token}.snar`);
}

/** The snapshot of a token; undefined when it is lost or damaged, which costs a full. */
export async function findSnapshot(state: string, token: string): Promise<Snapshot | undefined> {
  try {
    return parseSnapshot(await readFile(snapshotFile(state, token)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || error instanceof BackupError) return undefined;
    throw error;
  }
}

/**
 * Makes the working copy for an incremental, and returns the parent's.
 * - Folders that have moved since get inode 0. Otherwise tar records that they were renamed, and its own extraction
 *   fails on some such records ("Cannot rename … Not a directory" where a folder took the place of a file). So they
 *   are stored again, whole, under their new names.
 * - The time is set back by a second: file times come from a clock of up to 10 ms grain, so a file changed right
 *   after the last backup began may bear a time before it.
 */
export async function prepareSnapshot(state: string, parent: string, token: string): Promise<Snapshot> {
  const content = await readFile(snapshotFile(state, parent));
  const snapshot = parseSnapshot(content);
  for (const { inode, inodeAt } of movedFolders(snapshot.folders)) content.fill('0', inodeAt, inodeAt + inode.length);
  const { seconds } = snapshot.time;
  const earlier = String(Number(seconds) - 1).padStart(seconds.length, '0');
  content.write(earlier, snapshot.timeAt, 'latin1');
  await writeFile(snapshotFile(state, token), content, { mode: 0o600 });
  return snapshot;
}

/** Makes a finished snapshot durable, before the backup that names it is sealed. */
export async function syncSnapshot(state: string, token: string): Promise<void> {
  const handle = await open(snapshotFile(state, token), 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `GNU tar-1.34-2\n`, seconds and nanoseconds, then for each folder six fields, its names and two more NULs. */
export function parseSnapshot(content: Buffer): Snapshot {
  const header = content.subarray(0, content.indexOf('\n')).toString('latin1');
  if (!/^GNU tar-\S+-2$/.test(header)) throw damaged(`it begins with "${header.slice(0, 40)}"`);
  let at = header.length + 1;
  function field(): string {
    const end = content.indexOf(0, at);
    if (end < 0) throw damaged('it is cut off');
    const text = content.toString('latin1', at, end);
    at = end + 1;
    return text;
  }
  const timeAt = at;
  const time = { seconds: field(), nanoseconds: field() };
  const folders: SnapshotFolder[] = [];
  while (at < content.length) {
    field(); // whether it is on NFS
    const mtime = `${field()}.${field().padStart(9, '0')}`;
    const device = field();
    const inodeAt = at;
    const inode = field();
    const name = field();
    const end = content.indexOf('\0\0\0', at - 1, 'latin1');
    if (end < 0) throw damaged('it is cut off');
    folders.push({ name, device, inode, mtime, inodeAt, entries: content.subarray(at, end + 1) });
    at = end + 3;
  }
  return { time, timeAt, folders };
}

/** Folders that are not, or not reached without a link, where the snapshot has them. */
function movedFolders(folders: readonly SnapshotFolder[]): readonly SnapshotFolder[] {
  const byName = new Map(folders.map((folder) => [folder.name, folder]));
  const known = new Map<string, boolean>();
  function inPlace(name: string): boolean {
    const folder = byName.get(name);
    if (!folder) return true;
    const before = known.get(name);
    if (before !== undefined) return before;
    const above = name.lastIndexOf('/');
    const result = (above < 0 || inPlace(name.slice(0, above))) && isSame(folder);
    known.set(name, result);
    return result;
  }
  return folders.filter(({ name }) => !inPlace(name));
}

function isSame({ name, device, inode }: SnapshotFolder): boolean {
  const found = folderAt(name);
  return found !== undefined && String(found.ino) === inode && String(found.dev) === device;
}

/** Synchronous: a hundred thousand small waits would take longer than tar does. */
function folderAt(name: string): BigIntStats | undefined {
  try {
    return lstatSync(Buffer.from(`/${name}`, 'latin1'), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    // Not reached any more: it is as good as gone.
    if (['ENOTDIR', 'EACCES', 'ELOOP'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

function damaged(how: string): BackupError {
  return new BackupError('failed', `tar's snapshot file in state is damaged: ${how}`, {
    remedy: 'Nothing need be done: the next backup is a full.',
  });
}
