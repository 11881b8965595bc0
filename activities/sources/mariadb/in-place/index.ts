/** Restores of MariaDB in place. */
import path from 'node:path';
import type { MariadbSource } from '../../../../model/config/source.ts';
import type { InPlaceAdapter, InPlaceContext } from '../../types.ts';
import { listBinlogs, numberOf } from '../binlogs.ts';
import { backupConnection } from '../connection.ts';
import { run } from '../session.ts';
import { beginLineage } from '../lineage.ts';
import { makePath } from '../../../storage/durable.ts';
import { check } from './check.ts';
import { examine } from './examine.ts';
import { facts } from './facts.ts';
import { settle } from './settle.ts';
import { saveUnshipped } from './unshipped.ts';

export const inPlace: InPlaceAdapter<MariadbSource> = {
  processes: ['mariadbd', 'mysqld'],
  examine,
  prepare: async (_context, _restored, found) => found,
  checksAfterReplay: ['start', 'mariadb-check'],
  checksOnlyTold: [],
  saveUnshipped,
  settle,
  // Keys of TLS, and Debian's mark of the series. Its configuration lies elsewhere.
  keeps: (name, isFolder) => !isFolder && /\.(?:pem|flag|cnf)$/.test(name) && name !== 'backup-my.cnf',
  check,
  begin,
};

/** Names of files begin again, or go on behind files of the history before: what is shipped now follows nothing. */
async function begin(
  { config, readSecret, state, work }: InPlaceContext<MariadbSource>,
  found: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (facts.parse(found).binlogs === null) return;
  const connection = await backupConnection(config, readSecret);
  const active = (await listBinlogs(connection, { signal: work.signal })).at(-1);
  // Logged, and of no effect: where the logs go on behind the old ones, the last transaction before is no place in the
  // new history from then on (see settle.ts).
  await run(connection, 'FLUSH HOSTS', { signal: work.signal });
  const received = path.join(state, 'received');
  await makePath(received);
  await beginLineage(received, active ? numberOf(active.name) - 1 : undefined);
}
