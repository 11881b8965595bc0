/** A connection to Temporal for whoever can do without: it costs seconds at most, also where something takes the connection and never answers. */
import type { Client } from '@temporalio/client';
import { connect as connectSocket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../model/errors.ts';
import { connectClient } from '../runs/start.ts';
import type { Endpoint } from '../temporal/endpoint.ts';

/** @throws BackupError `unreachable` after so many milliseconds at most; as `connect`. */
export async function connectSoon(endpoint: Endpoint, milliseconds: number): Promise<Client> {
  const { address = '' } = endpoint.connection;
  // gRPC tries a port again for seconds to which nobody listens.
  if (await isRefused(address)) throw silent(`nobody listens at ${address}, where Temporal should be`);
  const connecting = connectClient(endpoint);
  const ended = new AbortController();
  try {
    const first = await Promise.race([
      connecting,
      pause(milliseconds, undefined, { signal: ended.signal }).catch(() => undefined),
    ]);
    if (first !== undefined) return first;
    connecting.then((late) => late.connection.close()).catch(() => undefined);
    throw silent(`Temporal does not answer at ${address}`);
  } finally {
    ended.abort();
  }
}

function silent(message: string): BackupError {
  return new BackupError('unreachable', message, { remedy: 'Look whether it runs, and at "temporal" in the config.' });
}

/** Whether the machine there says that nobody listens; anything else is for gRPC to find out. */
function isRefused(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connectSocket({ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port || 7233) });
    socket.setTimeout(1000);
    const end = (refused: boolean) => () => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', end(false)).once('timeout', end(false));
    socket.once('error', (error) => end('code' in error && error.code === 'ECONNREFUSED')());
  });
}
