/** A restored Redis against the replay of its ledger. */
import type { Connection } from '../../../../activities/sources/redis/connection.ts';
import { startServer } from '../../../../activities/sources/redis/server.ts';
import { locate } from '../../../../activities/streams/locate.ts';
import { formatCount, type Compared, type Comparing } from '../database.ts';
import { replay } from './replay.ts';
import { quietly } from './start.ts';

export async function compareCache(
  source: Connection,
  { restored, scratch, confirmed, signal }: Comparing,
): Promise<Compared> {
  const copy = await startServer({
    data: restored,
    program: locate('redis-server'),
    runtime: scratch,
    settings: { appendonly: 'yes' },
    work: quietly(signal),
  });
  try {
    const { checks, keys, databases, last } = await replay(
      { connection: copy.connection, signal },
      { connection: source, signal },
      confirmed,
    );
    return {
      checks,
      summary: `${formatCount(keys)} keys in ${databases} databases equal the replay of the restored journal, up to transaction ${last}`,
    };
  } finally {
    await copy.stop();
  }
}
