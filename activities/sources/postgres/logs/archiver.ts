/** What a server says of its own archiving (archive_command). */
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import type { Session } from '../session.ts';

const archiver = z.object({
  mode: z.string(),
  command: z.string(),
  /** The last file that archive_command took, and the last that it failed on; null where there is none. */
  last: z.string().nullable(),
  failed: z.string().nullable(),
  /** It failed, and has taken nothing since. */
  failing: z.boolean(),
});
export type Archiver = z.infer<typeof archiver>;

const ARCHIVER = `
  SELECT current_setting('archive_mode') AS mode,
         coalesce((SELECT setting FROM pg_settings WHERE name = 'archive_command'), '') AS command,
         last_archived_wal AS last, last_failed_wal AS failed,
         last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity') AS failing
    FROM pg_stat_archiver`;

export async function askArchiver(session: Session): Promise<Archiver> {
  const [found] = await session.rows(archiver, ARCHIVER);
  if (!found) throw new TypeError('a query for one row gave none');
  return found;
}

/** @throws BackupError `preflight-failed` where the server archives nothing. */
export function requireArchiving({ mode }: Archiver): void {
  if (mode !== 'off') return;
  throw new BackupError('preflight-failed', 'archive_mode is off: nothing comes into the spool.', {
    remedy: 'ALTER SYSTEM SET archive_mode = on; and restart the server; or remove logs.spool, to ship through a slot.',
  });
}

/**
 * Whether archive_command has ended well for a segment; the one that it works on now may be whole by its size alone.
 * A server whose statistics were reset does not know.
 */
export function isArchived({ last }: Archiver, segment: string): boolean {
  return last !== null && segment <= last;
}
