/** The server's data folder, which mariadb-backup reads by itself. */
import { access, constants, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { isErrno } from '../../streams/errno.ts';
import type { Facts } from './facts.ts';

/** Why a data folder cannot be read from here; undefined where it can. */
export async function unreadable(datadir: string): Promise<string | undefined> {
  try {
    await access(datadir, constants.R_OK | constants.X_OK);
    const names = await readdir(datadir);
    return names.includes('mysql') ? undefined : 'it holds no database "mysql"';
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'it is not there';
    if (isErrno(error, 'EACCES') || isErrno(error, 'EPERM')) return 'this user may not read it';
    if (isErrno(error, 'ENOTDIR')) return 'it is no folder';
    throw error;
  }
}

/**
 * Files of tables that lie elsewhere (DATA DIRECTORY): InnoDB's links and symbolic ones. What prepares a restore
 * would follow them, and write over the files of the server that was backed up.
 */
export async function outsiders(datadir: string): Promise<readonly string[]> {
  const entries = await readdir(datadir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const found = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
  for (const folder of folders) {
    const inside = await readdir(path.join(datadir, folder), { withFileTypes: true });
    for (const entry of inside) {
      if (entry.isSymbolicLink() || entry.name.endsWith('.isl')) found.push(path.join(folder, entry.name));
    }
  }
  return found;
}

/**
 * Tells one data folder from another at the same place: inode and birth of InnoDB's first file. A restore makes a
 * new one, whatever its LSNs say.
 */
export async function lineageOf({ settings }: Facts): Promise<string> {
  const { DATADIR = '', INNODB_DATA_HOME_DIR: home = '', INNODB_DATA_FILE_PATH: files = '' } = settings;
  const first = /^[^:;]+/.exec(files)?.[0] ?? 'ibdata1';
  const { ino, birthtimeNs } = await stat(path.resolve(DATADIR, home, first), { bigint: true });
  return `${ino}:${birthtimeNs}`;
}

/** The same where this host sees the folder. */
export async function lineageIfSeen(facts: Facts): Promise<string | undefined> {
  try {
    return await lineageOf(facts);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ENOTDIR')) return undefined;
    throw error;
  }
}
