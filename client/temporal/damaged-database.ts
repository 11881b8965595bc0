/** Whether the database of the embedded Temporal is damaged inside, where its server starts all the same. */
import { existsSync } from 'node:fs';
import { z } from 'zod';

const row = z.object({ quick_check: z.string() });

/** SQLite's own codes. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const failure = z.object({ errcode: z.number() });

/**
 * A server that has read what it needs to start serves, and then fails at the pages that it cannot read: no step is ever done, at no
 * start. A third of a gigabyte is looked through in a quarter of a second.
 * @returns the first thing that is wrong; null where nothing is, or nothing could be looked at: then the server says why.
 */
export async function damageOf(database: string): Promise<string | null> {
  if (!existsSync(database)) return null;
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const open = new DatabaseSync(database, { readOnly: true });
    try {
      const found = row.parse(open.prepare('PRAGMA quick_check(1)').get()).quick_check;
      // Of pages and trees. What it says of indexes for searching is between two versions of SQLite.
      return found.startsWith('***') ? found.replaceAll('\n', ' ') : null;
    } finally {
      open.close();
    }
  } catch (error) {
    const { data } = failure.safeParse(error);
    return data?.errcode === CORRUPT || data?.errcode === NOT_A_DATABASE ? String(error) : null;
  }
}
