/** A restored wiki against the replay of its ledger. */
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { startServer, WITHOUT_ACCOUNTS } from '../../../../activities/sources/mariadb/server.ts';
import { formatCount, type Compared, type Comparing } from '../database.ts';
import { replay } from './replay.ts';

export async function compareWiki(
  source: Connection,
  { restored, scratch, confirmed, signal }: Comparing,
): Promise<Compared> {
  const copy = await startServer({ data: restored, runtime: scratch, args: [WITHOUT_ACCOUNTS], signal });
  try {
    const { checks, rows, tables, last } = await replay(copy.connection, source, confirmed, { signal });
    return {
      checks,
      summary: `${formatCount(rows)} rows in ${tables} tables equal the replay of the restored journal, up to transaction ${last}`,
    };
  } finally {
    await copy.stop('immediate');
  }
}
