/** One base backup out of its artifacts, into folders of its own. */
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { Program } from '../../streams/types.ts';
import { READ_LARGE_RECORDS } from '../tar-records.ts';
import type { BackupReader } from '../types.ts';

export const BACKUP_MANIFEST = 'backup_manifest';

export interface Place {
  /** The data folder; it exists and is empty. */
  readonly data: string;
  /** Holds one folder a tablespace, by OID; made where there are any. */
  readonly tablespaces: string;
}

/** @returns the OIDs of the tablespaces, each linked to its folder. */
export async function extract(backup: BackupReader, { data, tablespaces }: Place): Promise<readonly string[]> {
  const oids: string[] = [];
  await chmod(data, 0o700);
  // The base first: it has the folders that the others go into.
  const artifacts = backup.manifest.artifacts.toSorted((a, b) => Number(b.role === 'base') - Number(a.role === 'base'));
  for (const { role, name } of artifacts) {
    if (role === 'base') await backup.into(role, name, untar(data));
    if (role === 'wal') await backup.into(role, name, untar(path.join(data, 'pg_wal')));
    if (role === 'manifest') await backup.into(role, name, writeTo(path.join(data, BACKUP_MANIFEST)));
    if (role === 'tablespace') {
      const oid = /^\d+/.exec(name)?.[0] ?? '';
      const folder = path.join(tablespaces, oid);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await backup.into(role, name, untar(folder));
      oids.push(oid);
    }
  }
  await chmod(path.join(data, BACKUP_MANIFEST), 0o600);
  for (const oid of oids) await linkTablespace(data, oid, tablespaces);
  return oids;
}

/** Links a tablespace of a data folder to its folder below `tablespaces`, where that is or will be. */
export async function linkTablespace(data: string, oid: string, tablespaces: string): Promise<void> {
  const place = path.join(data, 'pg_tblspc', oid);
  await rm(place, { force: true });
  await symlink(path.join(tablespaces, oid), place);
}

/** Extracts a tar from its stdin into a folder. */
export function untar(folder: string): Program {
  // The owner is whoever will run the server here, not whichever user has production's number on this machine.
  const owner = ['--preserve-permissions', '--no-same-owner'];
  return { command: 'tar', args: ['--extract', '--file=-', ...READ_LARGE_RECORDS, `--directory=${folder}`, ...owner] };
}

function writeTo(file: string): Program {
  return { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] };
}
