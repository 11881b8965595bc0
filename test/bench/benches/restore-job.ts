/** One restore of ours beside those of peers. */
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { sizes } from '../../../model/manifest.ts';
import { formatReference } from '../../../model/reference.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';
import { measure } from '../measure.ts';
import { RESTORE } from '../peers/restore.ts';
import { shellContender, type Peer } from '../peers/shell.ts';
import type { Result } from '../result.ts';
import { resultOf } from './result-of.ts';
import { TOUCHED_NOTE, warm, WARM_NOTE } from './settle.ts';
import type { Surroundings } from './types.ts';

const SCHEDULED = '2026-01-01T00:00:00Z';

export interface RestoreJob {
  readonly name: string;
  readonly title: string;
  readonly source: SiteInput['sources'][string];
  /** What a restore has at least. */
  readonly files: number;
  readonly peers: readonly Peer[];
  /** Our time divided by theirs, at most. */
  readonly goals: Readonly<Record<string, number>>;
  /** For the peers. */
  readonly env?: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** Captures once, and then restores in turn: we by the whole command. */
export async function measureRestore({ work, rounds, signal, say }: Surroundings, job: RestoreJob): Promise<Result> {
  const folder = path.join(work, job.name);
  await mkdir(folder, { mode: 0o755 });
  const { site, file, identities } = await makeSite({ folder, sources: { data: job.source } });
  const run = { site, source: 'data', tier: 'daily', runId: `daily-${SCHEDULED}`, scheduled: SCHEDULED } as const;
  await captureBackup({ ...run, attempt: 1, busy: 0, work: { ...testWork({ standstill: 600_000 }), signal } });
  const [backup] = await listBackups(repositoryStore(site.repository));
  if (!backup) throw new Error('nothing was captured');
  const BACKUP = path.join(site.repository, backup.folder);
  const env = {
    ...job.env,
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
    contenders: [RESTORE, ...job.peers].map((peer) => shellContender(peer, options)),
    goals: job.goals,
    rounds,
    settle: warm(BACKUP, signal, sizes(backup.manifest).plain),
    say,
    signal,
  });
  return resultOf(series, {
    name: job.name,
    title: job.title,
    unit: 's',
    notes: [WARM_NOTE, TOUCHED_NOTE, 'Ours is the whole command, from its start to its end.', ...job.notes],
  });
}
