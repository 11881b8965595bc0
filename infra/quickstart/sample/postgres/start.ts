/** Starts the sample's private PostgreSQL. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer, type PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import type { SamplePlace } from '../place.ts';
import { serverBinaries } from './programs.ts';
import { SUPERUSER } from './session.ts';

/** Starts the server, which ends with this process at the latest. */
export async function startDatabase(place: SamplePlace, signal: AbortSignal): Promise<PrivateServer> {
  const { folder } = await serverBinaries();
  const runtime = path.join(place.runtime, 'postgres');
  // The socket and its lock of a server that was killed.
  await rm(runtime, { recursive: true, force: true });
  await mkdir(runtime, { recursive: true, mode: 0o755 });
  return startServer({
    data: place.postgres,
    runtime,
    binaries: folder,
    superuser: SUPERUSER,
    signal,
    settings: {
      max_slot_wal_keep_size: '4GB',
      max_wal_size: '2GB',
      shared_buffers: '128MB',
      // The backup role comes as this process's user, through the map of pg_ident.conf.
      unix_socket_permissions: '0777',
      wal_level: 'replica',
      autovacuum_naptime: '5min',
    },
  });
}
