/** The light write load on the wiki. It runs in the server: this only starts and ends it. */
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import type { Workload } from '../database.ts';

/** The journal keeps so many transactions. */
const KEPT = 10_000;
/** Seconds that a transaction waits where a backup holds back commits. */
const LOCK_WAIT = 60;

/** @param interval seconds between two transactions. */
export async function startWorkload(connection: Connection, interval: number): Promise<Workload> {
  // Not tied to ^C: what is under way is finished, and the server outlives it.
  const { signal } = new AbortController();
  const ask = (sql: string) => run(connection, sql, { signal, lockWait: LOCK_WAIT });
  await ask('UPDATE ledger.control SET stop = 0');
  let failure: unknown;
  let stopping = false;
  async function work(): Promise<void> {
    try {
      await ask(`CALL ledger.work(${interval}, ${KEPT})`);
      // Only its own end is one that was asked for.
      if (!stopping) failure = new Error('the write load ended by itself');
    } catch (error) {
      failure = error;
    }
  }

  const ended = work();
  return {
    confirmed: async () => Number((await ask('SELECT number FROM ledger.head'))[0]),
    failure: () => failure,
    stop: async () => {
      stopping = true;
      // A server that died has ended its load too: that is the failure, if anything is.
      await ask('UPDATE ledger.control SET stop = 1').catch((error: unknown) => (failure ??= error));
      await ended;
    },
  };
}
