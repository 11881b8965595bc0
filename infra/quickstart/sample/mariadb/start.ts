/** Starts the sample's private MariaDB. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer, type PrivateServer } from '../../../../activities/sources/mariadb/server.ts';
import type { SamplePlace } from '../place.ts';

/** As the product wants a server that is backed up to the last transaction. */
const SETTINGS = [
  '--log-bin=mysql-bin',
  '--server-id=1',
  '--binlog-format=ROW',
  '--sync-binlog=1',
  '--gtid-strict-mode=ON',
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-log-file-size=64M',
  // What was written is shipped within minutes.
  '--binlog-expire-logs-seconds=86400',
] as const;

/** Starts the server, which ends with this process at the latest. */
export async function startDatabase({ mariadb, runtime }: SamplePlace, signal: AbortSignal): Promise<PrivateServer> {
  const own = path.join(runtime, 'mariadb');
  // The socket of a server that was killed.
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true, mode: 0o755 });
  return startServer({ data: mariadb, runtime: own, signal, args: SETTINGS });
}
