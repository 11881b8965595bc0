/** Rows of a capture: what the tables held at one moment behind the backup's end, which a check can recover to. */
import { BackupError } from '../../../model/errors.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import type { Warning } from '../../../model/manifest.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Work } from '../../work.ts';
import { digestDatabase, tableName, type Digests, type TableRows, type Unread } from './digests.ts';
import { fixMoment, type Fixing, type Moment } from './moment/fix.ts';

/** At most so many paths are in a warning of a manifest. */
const NAMED = 100;

/** Code of the warning that says so. */
export const NOT_COMPARED = 'postgres.rows-not-compared';

export interface Rows {
  readonly entries: readonly PostgresEntry[];
  readonly warnings: readonly Warning[];
}

/**
 * Fixes the moment. That it cannot be done is a warning and no failure: the backup itself is whole by then.
 * @returns null where there is no role that may read tables.
 */
export async function momentOf(
  fixing: Omit<Fixing, 'checking'> & { readonly checking: Fixing['checking'] | undefined },
): Promise<Moment | Warning | null> {
  const { checking, facts, context } = fixing;
  if (!checking) return null;
  if (!facts.marks) return unfixed('the backup role may not make restore points: run infra/roles/postgres.sql again');
  try {
    return await fixMoment({ ...fixing, checking });
  } catch (error) {
    stopIfCancelled(context.work.signal);
    // What the repository or the state folder lacks would fail the rest of the capture too.
    if (!(error instanceof BackupError) || ['unreachable', 'no-space'].includes(error.code)) throw error;
    return unfixed(error.message);
  }
}

function unfixed(why: string): Warning {
  return { code: NOT_COMPARED, message: why, partial: false };
}

/** Reads all tables by the snapshots that are held, and lets go of each as soon as it can. */
export async function rowsOf(moment: Moment | Warning | null, work: Work): Promise<Rows> {
  if (!moment) return { entries: [], warnings: [] };
  if ('code' in moment) return { entries: [], warnings: [moment] };
  const { mark, held, holding } = moment;
  const tables: TableRows[] = [];
  const unread: Unread[] = [...holding.unread];
  const report = () => work.progress({ phase: 'reading rows', bytes: 0, total: null, activity: tables.length });
  // One table may take long: the server works, and the session says so by being there.
  const beat = setInterval(report, 1_000);
  try {
    for (const { database, session } of held) {
      const found = await digestDatabase(session, database, report);
      tables.push(...found.tables);
      unread.push(...found.unread);
      await session.close();
    }
  } finally {
    clearInterval(beat);
    await holding.close();
  }
  return {
    entries: [
      { entry: 'moment', ...mark, firstXid: String(mark.firstXid) },
      ...held.map(({ database, oid, snapshot }) => ({
        entry: 'snapshot' as const,
        database,
        oid,
        snapshot: snapshot.text,
      })),
      ...tables.map(({ database, schema, name, rows, digest }) => ({
        entry: 'rows' as const,
        database,
        schema,
        name,
        rows,
        digest,
      })),
    ],
    warnings: unreadWarnings({ tables, unread }),
  };
}

/** Names the tables that could not be read, so that nobody takes them for compared. */
function unreadWarnings({ unread }: Digests): readonly Warning[] {
  const [first] = unread;
  if (!first) return [];
  const message = `${unread.length} tables could not be read by the check role, so their rows are not compared; the first: ${first.why}`;
  const paths = unread.slice(0, NAMED).map(tableName);
  return [{ code: NOT_COMPARED, message, partial: false, paths }];
}
