/** When the last transaction ended that a recovery replayed, as the server says in its log. */
import { readFile } from 'node:fs/promises';

/**
 * `LOG:  last completed transaction was at log time 2026-11-27 08:10:22.201201+00`. PostgreSQL says it of an archive
 * recovery, and not of what it recovers by itself behind a crash or from a base backup alone.
 */
const LAST = /last completed transaction was at log time (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$/m;

/** RFC 3339; undefined where none was replayed. @param log of the server that has recovered. */
export async function lastCommitIn(log: string): Promise<string | undefined> {
  const [, day, time] = LAST.exec(await readFile(log, 'utf8')) ?? [];
  return day === undefined || time === undefined ? undefined : new Date(`${day}T${time}Z`).toISOString();
}
