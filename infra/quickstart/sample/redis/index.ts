/** The Redis of the sample: sessions, caches and queues, some 30 MB. */
import path from 'node:path';
import type { SampleDatabase } from '../database.ts';
import { compareCache } from './compare.ts';
import { fillDatabases, usedBytes } from './fill.ts';
import { makeDataFolder, passwordFile } from './make.ts';
import { startDatabase } from './start.ts';
import { startWorkload } from './workload.ts';

/** Milliseconds between two transactions of the write load. */
const PACE = 100;

export const cache: SampleDatabase = {
  source: 'cache',
  engine: 'Redis',
  make: makeDataFolder,
  start: async (place) => {
    const { signal } = new AbortController();
    const server = await startDatabase(place, signal);
    const { connection, socket } = server;
    return {
      config: {
        type: 'redis',
        connection: { socket, user: 'mosaic_backup', password: { file: passwordFile(place) } },
        names: {},
        probes: [{ name: 'keys', query: 'DBSIZE', expect: { min: 1 } }],
      },
      fill: (cancelled) => fillDatabases({ connection, signal: cancelled }),
      reopen: (cancelled) => usedBytes({ connection, signal: cancelled }),
      write: () => startWorkload({ connection, signal }, PACE),
      compare: (asked) => compareCache(connection, asked),
      stop: () => server.stop(),
    };
  },
  servesFrom: ([program = '', ...words]) =>
    path.basename(program) === 'redis-server' ? words[words.indexOf('--dir') + 1] : undefined,
  // Nothing stands in its way: it holds no lock.
  tidy: async () => undefined,
};
