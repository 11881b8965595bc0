/** The first backup of a PostgreSQL. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import { measure } from '../measure.ts';
import { ours } from '../peers/ours.ts';
import { CLASSIC, BORG, HAS_ALL, PIPELINE, POSTGRES_PEERS, RESTIC } from '../peers/postgres.ts';
import { shellContender } from '../peers/shell.ts';
import { databaseEnvironment, peerEnvironment } from './environment.ts';
import { resultOf } from './result-of.ts';
import { warm, WARM_NOTE } from './settle.ts';
import type { Bench } from './types.ts';

/** Our time divided by theirs. */
const GOALS = { [PIPELINE.name]: 1.1, [CLASSIC.name]: 1 / 4, [RESTIC.name]: 1 / 1.5, [BORG.name]: 1 / 2 };

export const postgres: Bench = {
  name: 'postgres-first',
  async run({ data, work, rounds, signal, say }) {
    const database = await data.postgres();
    const { server } = database;
    const env = { ...(await peerEnvironment(work)), ...databaseEnvironment(database) };
    const source = { type: 'postgres', connection: { host: server.socket, port: server.port } } as const;
    const options = { folder: path.join(work, 'runs'), env, signal };
    const warmUp = warm(database.folder, signal);
    const series = await measure({
      contenders: [
        ours({ ...options, source, check: HAS_ALL }),
        ...POSTGRES_PEERS.map((peer) => shellContender(peer, options)),
      ],
      goals: GOALS,
      rounds,
      settle: async () => {
        await database.checkpoint();
        await warmUp();
      },
      say,
      signal,
    });
    const size = `${formatBytes(database.bytes)}, ${database.ratio.toFixed(1)} times smaller under zstd -3`;
    return [
      resultOf(series, {
        name: 'postgres-first',
        title: `PostgreSQL ${database.version}, ${size}: first backup`,
        unit: 's',
        notes: [WARM_NOTE],
      }),
    ];
  },
};
