/** Configuration for a restored data folder whose server kept it elsewhere (Debian: /etc/postgresql). */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isErrno } from '../../streams/errno.ts';

const NOTE =
  '# Written by mosaic-backup: the backed-up server keeps this file outside its data folder. Replace it by that.\n';

/** Least files with which a server starts here and admits nobody but its own user, by socket. */
const FILES = {
  'postgresql.conf': `${NOTE}listen_addresses = ''\n`,
  'pg_hba.conf': `${NOTE}local all all peer\n`,
  'pg_ident.conf': NOTE,
} as const;

/** Adds what is missing; what was restored stays as it is. */
export async function completeConfiguration(data: string): Promise<void> {
  for (const [name, text] of Object.entries(FILES)) {
    try {
      await writeFile(path.join(data, name), text, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
  }
}
