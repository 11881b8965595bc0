/** Where a physical backup stands: mariadb-backup's own record of it, and what of that is in a manifest. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { gtidPosition } from './gtid.ts';

const lsn = z.string().regex(/^\d+$/);

/** What a physical backup writes into `position` of its manifest. LSNs are decimal texts: they exceed JSON's numbers. */
export const physicalPosition = z.looseObject({
  method: z.literal('physical'),
  /** Token of this backup's LSN folder in state. */
  lsnFolder: z.string(),
  fromLsn: lsn,
  /** The checkpoint that an incremental on this builds upon. */
  toLsn: lsn,
  /** The end of the redo log that the backup holds. */
  lastLsn: lsn,
  binlogFile: z.string().nullable(),
  binlogPosition: z.int().nullable(),
  /** The last transaction in it, of each domain one. */
  gtid: gtidPosition.nullable(),
  /** Tells one data folder from another. */
  lineage: z.string(),
  /** RFC 3339, by the server's clock: nothing in it was committed later. Absent in backups of earlier versions. */
  endedAt: z.iso.datetime().optional(),
});
export type PhysicalPosition = z.infer<typeof physicalPosition>;

/** What mariadb-backup records, beside the backup and in it. */
export interface Checkpoints {
  /** `full-backuped`, `incremental`; `full-prepared` when prepared. */
  readonly type: string;
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly lastLsn: string;
}

export interface BinlogPosition {
  readonly file: string;
  readonly position: number;
  readonly gtid: string;
}

/** From MariaDB 11.1 on the files are called `mariadb_backup_…`. */
const PREFIXES = ['xtrabackup_', 'mariadb_backup_'] as const;

/** Names of all files that mariadb-backup adds to a data folder, as far as they are its own record. */
export function isRecord(name: string): boolean {
  return name === 'backup-my.cnf' || PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** @throws BackupError `verification-failed` where it is missing or not understood. */
export async function readCheckpoints(folder: string): Promise<Checkpoints> {
  const text = await readRecord(folder, 'checkpoints');
  const fields = Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [name, value] = line.split(' = ');
      return name !== undefined && value !== undefined ? [[name.trim(), value.trim()]] : [];
    }),
  );
  const { backup_type: type = '', from_lsn: fromLsn = '', to_lsn: toLsn = '', last_lsn: lastLsn = '' } = fields;
  if (type !== '' && [fromLsn, toLsn, lastLsn].every((value) => lsn.safeParse(value).success)) {
    return { type, fromLsn, toLsn, lastLsn };
  }
  throw new BackupError(
    'verification-failed',
    `mariadb-backup's record in ${folder} is not understood: ${text.trim()}`,
  );
}

/** The position in the binary log; null where the server writes none. */
export async function readBinlogPosition(folder: string): Promise<BinlogPosition | null> {
  const text = await readRecord(folder, 'info');
  const match = /^binlog_pos = filename '(.*)', position '(\d+)'(?:, GTID of the last change '(.*)')?$/m.exec(text);
  if (!match?.[1]) return null;
  return { file: match[1], position: Number(match[2]), gtid: match[3] ?? '' };
}

async function readRecord(folder: string, name: string): Promise<string> {
  const names = new Set(await readdir(folder));
  const file = PREFIXES.map((prefix) => `${prefix}${name}`).find((each) => names.has(each));
  if (file !== undefined) return readFile(path.join(folder, file), 'utf8');
  throw new BackupError('verification-failed', `${folder} lacks mariadb-backup's own record (xtrabackup_${name})`);
}
