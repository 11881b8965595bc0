/** Spools of archive_command, as docs/postgres.md has them. */
import { readdir, readFile } from 'node:fs/promises';

const SEGMENT = /^[0-9A-F]{24}$/;

/** The command that docs/postgres.md tells, with a folder of a test. */
export async function documentedCommand(spool: string): Promise<string> {
  const page = await readFile(new URL('../../../../docs/postgres.md', import.meta.url), 'utf8');
  const [, found] = /^ALTER SYSTEM SET archive_command = '(.*)';$/m.exec(page) ?? [];
  if (found === undefined) throw new Error('docs/postgres.md tells no archive_command');
  return found.replaceAll('/srv/wal-spool', spool);
}

/** Names of the segments in it. */
export async function spooled(spool: string): Promise<readonly string[]> {
  return (await readdir(spool)).filter((name) => SEGMENT.test(name)).toSorted();
}
