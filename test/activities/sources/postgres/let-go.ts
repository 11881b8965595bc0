/** WAL that the server has let go of, and no backup holds yet: it is in the state folder alone. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { requireBinaries } from '../../../../activities/sources/postgres/binaries.ts';
import { backupConnection } from '../../../../activities/sources/postgres/connection.ts';
import { generations } from '../../../../activities/sources/postgres/logs/generations.ts';
import { receive } from '../../../../activities/sources/postgres/logs/receive.ts';
import { slotName } from '../../../../activities/sources/postgres/logs/slot.ts';
import type { Site } from '../../../../activities/site.ts';
import { isBackupError } from '../../../support/errors.ts';
import type { TestPostgres } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { SOURCE } from './backups.ts';

/**
 * Receives all that is written as a tick does, but for so long that the slot moves behind it: a receipt of less than a
 * second ends before it tells the server anything, and whatever is lost then can be had again.
 */
export async function letGo(site: Site, server: TestPostgres): Promise<void> {
  const slot = slotName(site.config.site, SOURCE);
  const generation = (await generations(path.join(site.state, 'sources', SOURCE, 'received'))).at(-1);
  assert.ok(generation, 'nothing was shipped before');
  const { folder } = generation;
  const [row] = await server.sql('SELECT pg_switch_wal()::text AS lsn');
  const written = String(row?.['lsn']);
  const work = testWork();
  const connection = await backupConnection(server.source(), site.readSecret);
  const binaries = await requireBinaries(15, { program: 'pg_receivewal' });
  const ended = isBackupError(receive({ binaries, connection, slot, folder, end: 'FFFFFFFF/0', work }), 'aborted');
  try {
    await until('the slot lets go of it', async () => {
      const query = `SELECT restart_lsn >= '${written}' AS gone FROM pg_replication_slots WHERE slot_name = '${slot}'`;
      return (await server.sql(query))[0]?.['gone'] === true;
    });
  } finally {
    work.abort();
    await ended;
  }
}
