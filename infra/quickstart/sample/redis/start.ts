/** Starts the sample's private Redis. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer, type PrivateServer } from '../../../../activities/sources/redis/server.ts';
import { locate } from '../../../../activities/streams/locate.ts';
import type { Logger, Work } from '../../../../activities/work.ts';
import type { SamplePlace } from '../place.ts';
import { configFile } from './make.ts';

/** As a server that keeps what it is given, and comes up again after it was killed. */
const SETTINGS = {
  appendonly: 'yes',
  // Half a transaction at the end, of a server that was killed, is cut off.
  'aof-load-truncated': 'yes',
  'auto-aof-rewrite-percentage': '100',
  // Its default waits five seconds for further replicas.
  'repl-diskless-sync-delay': '0',
  // The command line stays as it was given: by that a server that was left behind is known.
  'set-proc-title': 'no',
} as const;

/** Starts the server, which ends with this process at the latest. */
export async function startDatabase(place: SamplePlace, signal: AbortSignal): Promise<PrivateServer> {
  const runtime = path.join(place.runtime, 'redis');
  // The socket of a server that was killed.
  await rm(runtime, { recursive: true, force: true });
  await mkdir(runtime, { recursive: true, mode: 0o755 });
  const options = { data: place.redis, program: locate('redis-server'), runtime, config: configFile(place) };
  return startServer({ ...options, settings: SETTINGS, work: quietly(signal) });
}

/** Work of which nothing is told. */
export function quietly(signal: AbortSignal): Work {
  const none = () => undefined;
  const log: Logger = { debug: none, info: none, warn: none, error: none };
  return { signal, progress: none, log, standstill: Number.POSITIVE_INFINITY };
}
