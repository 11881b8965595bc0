/**
 * Archives that the vault has confirmed and whose record could not be written yet: in state, so that the next attempt
 * writes it, and does not send everything again.
 */
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { archiveRecord, ARCHIVE_SCHEMA, type ArchiveFacts } from '../../../model/archive-record.ts';
import { isEqual } from '../damaged-file.ts';
import { ifThere } from '../fs-errors.ts';
import { readMemoryFile, writeMemoryFile } from '../memory-file.ts';
import type { Stored } from '../types.ts';

export interface Unrecorded {
  remember(record: ArchiveFacts): Promise<void>;
  /** One of exactly these bytes, of the last day; undefined where there is none. */
  find(key: string, expected: Stored): Promise<ArchiveFacts | undefined>;
  forget(record: Pick<ArchiveFacts, 'key' | 'archiveId'>): Promise<void>;
}

/**
 * Milliseconds that one counts. No inventory shows an archive within a day of its upload: until then nobody can have taken
 * it for one that belongs to nothing, and deleted it.
 */
const COUNTS_FOR = 24 * 3_600_000;

/** @param folder of this destination, in the host's state. */
export function unrecordedIn(folder: string, vault: string): Unrecorded {
  function fileOf({ key, archiveId }: Pick<ArchiveFacts, 'key' | 'archiveId'>): string {
    return path.join(folder, `${tagOf(key)}-${tagOf(archiveId)}.json`);
  }
  return {
    remember: (record) => writeMemoryFile(fileOf(record), { schema: ARCHIVE_SCHEMA, ...record }),
    async find(key, expected) {
      for (const name of (await ifThere(readdir(folder))) ?? []) {
        if (!name.startsWith(`${tagOf(key)}-`)) continue;
        const record = await readMemoryFile(path.join(folder, name), archiveRecord);
        if (record?.key !== key || record.vault !== vault || !isEqual(record, expected)) continue;
        if (Date.now() - Date.parse(record.uploaded) < COUNTS_FOR) return record;
      }
      return undefined;
    },
    forget: (record) => rm(fileOf(record), { force: true }),
  };
}

function tagOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
