/** Full backup and full restore of the same cluster: ours, and pgBackRest's. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import { measure } from '../measure.ts';
import { ours } from '../peers/ours.ts';
import { FULL_BACKUP, FULL_RESTORE, PGBACKREST, pgbackrestEnvironment } from '../peers/pgbackrest.ts';
import { HAS_ALL } from '../peers/postgres.ts';
import { shellContender } from '../peers/shell.ts';
import { databaseEnvironment, peerEnvironment } from './environment.ts';
import { measureRestore } from './restore-job.ts';
import { resultOf } from './result-of.ts';
import { warm, WARM_NOTE } from './settle.ts';
import type { Bench } from './types.ts';

/** Our time divided by its. */
const GOAL = 1;

const NOTES = [
  'Both end with everything synced: ours its artifacts and folders once, pgBackRest each of its files.',
  'pgBackRest reads the data folder as its owner or root, ours asks the server by the replication role. It stores no WAL here (no archive is set up), ours what makes the backup consistent.',
];

export const pgbackrest: Bench = {
  name: 'pgbackrest',
  async run(surroundings) {
    const { data, work, rounds, signal, say } = surroundings;
    const database = await data.postgres();
    const { server } = database;
    const connection = { host: server.socket, port: server.port };
    const source = { type: 'postgres', connection } as const;
    const theirs = pgbackrestEnvironment(database.folder, server.socket, server.port);
    const env = { ...(await peerEnvironment(work)), ...databaseEnvironment(database), ...theirs };
    const options = { folder: path.join(work, 'runs'), env, signal };
    const warmUp = warm(database.folder, signal);
    const series = await measure({
      contenders: [ours({ ...options, source, check: HAS_ALL }), shellContender(FULL_BACKUP, options)],
      goals: { [PGBACKREST]: GOAL },
      rounds,
      settle: async () => {
        await database.checkpoint();
        await warmUp();
      },
      say,
      signal,
    });
    const title = `PostgreSQL ${database.version}, ${formatBytes(database.bytes)}: full`;
    return [
      resultOf(series, {
        name: 'pgbackrest-backup',
        title: `${title} backup beside pgBackRest`,
        unit: 's',
        notes: [WARM_NOTE, ...NOTES],
      }),
      await measureRestore(surroundings, {
        name: 'pgbackrest-restore',
        title: `${title} restore beside pgBackRest`,
        source,
        files: 100,
        peers: [FULL_RESTORE],
        goals: { [PGBACKREST]: GOAL },
        env,
        notes: NOTES,
      }),
    ];
  },
};
