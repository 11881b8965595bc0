/** The PostgreSQL of the sample: a shop, some 400 MB. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { SampleDatabase } from '../database.ts';
import { compareShop } from './compare.ts';
import { databaseBytes, fillDatabase, grantBackupRole } from './fill.ts';
import { makeCluster } from './make.ts';
import { DATABASE } from './session.ts';
import { startDatabase } from './start.ts';
import { startWorkload } from './workload.ts';

/** Milliseconds between two transactions of the write load. */
const PACE = 50;

export const shop: SampleDatabase = {
  source: 'shop',
  engine: 'PostgreSQL',
  make: makeCluster,
  start: async (place) => {
    // ^C must not crash the server under what is cleaning up: it is ended last, in order.
    const server = await startDatabase(place, new AbortController().signal);
    const { socket, port } = server;
    return {
      config: {
        type: 'postgres',
        connection: { host: socket, port, user: 'mosaic_backup' },
        probes: [{ name: 'orders', query: 'SELECT count(*) FROM shop.orders', database: DATABASE, expect: { min: 1 } }],
      },
      fill: (signal) => fillDatabase(server, signal),
      reopen: async (signal) => {
        await grantBackupRole(server, signal);
        return databaseBytes(server, signal);
      },
      write: () => startWorkload(server, PACE),
      compare: (asked) => compareShop(server, asked),
      stop: (how) => server.stop(how),
    };
  },
  servesFrom: ([program = '', ...words]) =>
    path.basename(program) === 'postgres' ? words[words.indexOf('-D') + 1] : undefined,
  // The number in it may be another program's by now, which PostgreSQL would take for its own.
  tidy: ({ postgres }) => rm(path.join(postgres, 'postmaster.pid'), { force: true }),
};
