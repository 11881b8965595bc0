/** Restores of what the first backups have stored: of a PostgreSQL, and of a tree of files. */
import { formatBytes } from '../../../model/units.ts';
import { UNPACK } from '../peers/restore.ts';
import { measureRestore } from './restore-job.ts';
import type { Bench } from './types.ts';

/** Our time divided by the pipeline's. */
const GOAL = 1.15;

export const restores: Bench = {
  name: 'restore',
  async run(surroundings) {
    const { data } = surroundings;
    const database = await data.postgres();
    const connection = { host: database.server.socket, port: database.server.port };
    const tree = await data.tree();
    return [
      await measureRestore(surroundings, {
        name: 'restore-postgres',
        title: `PostgreSQL ${database.version}, ${formatBytes(database.bytes)}: restore`,
        source: { type: 'postgres', connection },
        files: 100,
        peers: [UNPACK],
        goals: { [UNPACK.name]: GOAL },
        notes: ['Ours has pg_verifybackup read every restored file once more, before any server may start on it.'],
      }),
      await measureRestore(surroundings, {
        name: 'restore-files',
        title: `${tree.files} files, ${formatBytes(tree.bytes)}: restore`,
        source: { type: 'files', paths: [tree.root] },
        files: tree.files,
        peers: [UNPACK],
        goals: { [UNPACK.name]: GOAL },
        notes: [],
      }),
    ];
  },
};
