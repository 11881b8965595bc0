/** Restores of what the first backups have stored: of a PostgreSQL, and of a tree of files. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { formatReference } from '../../../model/reference.ts';
import { formatBytes } from '../../../model/units.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';
import { measure } from '../measure.ts';
import { RESTORE, UNPACK } from '../peers/restore.ts';
import { shellContender } from '../peers/shell.ts';
import type { Result } from '../result.ts';
import { resultOf } from './result-of.ts';
import { warm, WARM_NOTE } from './settle.ts';
import type { Bench, Surroundings } from './types.ts';

const SCHEDULED = '2026-01-01T00:00:00Z';
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
        notes: ['Ours has pg_verifybackup read every restored file once more, before any server may start on it.'],
      }),
      await measureRestore(surroundings, {
        name: 'restore-files',
        title: `${tree.files} files, ${formatBytes(tree.bytes)}: restore`,
        source: { type: 'files', paths: [tree.root] },
        files: tree.files,
        notes: [],
      }),
    ];
  },
};

interface RestoreJob {
  readonly name: string;
  readonly title: string;
  readonly source: SiteInput['sources'][string];
  /** What a restore has at least. */
  readonly files: number;
  readonly notes: readonly string[];
}

async function measureRestore({ work, rounds, signal, say }: Surroundings, job: RestoreJob): Promise<Result> {
  const folder = path.join(work, job.name);
  await mkdir(folder, { mode: 0o755 });
  const { site, file, identities } = await makeSite({ folder, sources: { data: job.source } });
  const run = { site, source: 'data', tier: 'daily', runId: `daily-${SCHEDULED}`, scheduled: SCHEDULED } as const;
  await captureBackup({ ...run, attempt: 1, busy: 0, work: { ...testWork({ standstill: 600_000 }), signal } });
  const [backup] = await listBackups(repositoryStore(site.repository));
  if (!backup) throw new Error('nothing was captured');
  const BACKUP = path.join(site.repository, backup.folder);
  const env = {
    LAUNCHER,
    CONFIG: file,
    REFERENCE: formatReference(backup.name),
    BACKUP,
    IDENTITY: identities[0],
    FILES: String(job.files),
  };
  say(`${job.name}: ${(await readdir(BACKUP)).length} objects are stored`);
  const options = { folder: path.join(folder, 'runs'), env, signal };
  const series = await measure({
    contenders: [shellContender(RESTORE, options), shellContender(UNPACK, options)],
    goals: { [UNPACK.name]: GOAL },
    rounds,
    settle: warm(BACKUP, signal),
    say,
    signal,
  });
  return resultOf(series, {
    name: job.name,
    title: job.title,
    unit: 's',
    notes: [WARM_NOTE, 'Ours is the whole command, from its start to its end.', ...job.notes],
  });
}
