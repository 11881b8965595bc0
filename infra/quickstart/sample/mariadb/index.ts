/** The MariaDB of the sample: a wiki, some 60 MB. */
import path from 'node:path';
import type { SampleDatabase } from '../database.ts';
import { compareWiki } from './compare.ts';
import { databaseBytes, fillDatabase, makeAccount } from './fill.ts';
import { makeDataFolder, passwordFile } from './make.ts';
import { startDatabase } from './start.ts';
import { startWorkload } from './workload.ts';

/** Seconds between two transactions of the write load. */
const PACE = 0.1;

export const wiki: SampleDatabase = {
  source: 'wiki',
  engine: 'MariaDB',
  make: makeDataFolder,
  start: async (place) => {
    const server = await startDatabase(place, new AbortController().signal);
    const { connection } = server;
    const password = passwordFile(place);
    return {
      config: {
        type: 'mariadb',
        connection: { socket: connection.socket ?? '', user: 'mosaic_backup', password: { file: password } },
        probes: [{ name: 'pages', query: 'SELECT count(*) FROM wiki.pages', expect: { min: 1 } }],
      },
      fill: (signal) => fillDatabase(connection, password, signal),
      reopen: async (signal) => {
        await makeAccount(connection, password, signal);
        return databaseBytes(connection, signal);
      },
      write: () => startWorkload(connection, PACE),
      compare: (asked) => compareWiki(connection, asked),
      stop: (how) => server.stop(how),
    };
  },
  servesFrom: ([program = '', ...words]) =>
    path.basename(program) === 'mariadbd'
      ? words.find((word) => word.startsWith('--datadir='))?.slice('--datadir='.length)
      : undefined,
  // Nothing stands in its way: its locks end with the process.
  tidy: async () => undefined,
};
