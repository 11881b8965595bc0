/** A restored shop against the replay of its ledger. */
import { startServer, type PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import { formatCount, type Compared, type Comparing } from '../database.ts';
import { serverBinaries } from './programs.ts';
import { replay } from './replay.ts';
import { SUPERUSER, withShop } from './session.ts';

export async function compareShop(
  server: PrivateServer,
  { restored, scratch, confirmed, signal }: Comparing,
): Promise<Compared> {
  const { folder } = await serverBinaries();
  const copy = await startServer({
    data: restored,
    runtime: scratch,
    binaries: folder,
    superuser: SUPERUSER,
    isolated: true,
    signal,
    // What is only looked at and then thrown away needs no care.
    settings: { fsync: 'off', autovacuum: 'off', shared_buffers: '128MB', cluster_name: 'mosaic-backup-replay' },
  });
  try {
    const { checks, rows, tables, last } = await withShop(copy, signal, (there) =>
      withShop(server, signal, (here) => replay(there, here, confirmed)),
    );
    return {
      checks,
      summary: `${formatCount(rows)} rows in ${tables} tables equal the replay of the restored journal, up to transaction ${last}`,
    };
  } finally {
    await copy.stop('immediate');
  }
}
