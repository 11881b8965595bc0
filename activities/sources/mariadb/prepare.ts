/** What mariadb-backup streamed, made into a data folder again. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Program } from '../../streams/types.ts';
import type { Work } from '../../work.ts';
import type { BackupReader } from '../types.ts';
import { isRecord, readBinlogPosition, readCheckpoints, type PhysicalPosition } from './position.ts';

/** Everything goes on in here until it is right: a folder beside the data would be taken for a database. */
const WORKSHOP = '.mosaic-prepare';

/** Buffer for recovery. mariadb-backup's own default of 100 MB makes many passes over a long redo log. */
const MEMORY = 256 * 2 ** 20;

/**
 * Extracts and prepares the full, then extracts and applies each incremental. `--prepare` consumes what it is given,
 * and once more on the same says "completed OK!" over a loss: so all of it is extracted anew for every restore, and
 * each incremental is gone before the next one comes.
 * @throws BackupError `verification-failed`.
 */
export async function prepareChain(
  chain: readonly BackupReader[],
  positions: readonly PhysicalPosition[],
  scratch: string,
  work: Work,
): Promise<void> {
  const workshop = path.join(scratch, WORKSHOP);
  const data = path.join(workshop, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  for (const [index, backup] of chain.entries()) {
    const position = positions[index];
    if (!position) throw new TypeError('a backup without its position');
    const folder = index === 0 ? data : path.join(workshop, 'incremental');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await extract(backup, folder);
    await requireRecorded(folder, position, backup.manifest.kind === 'full' ? 'full-backuped' : 'incremental');
    await prepare(data, index === 0 ? undefined : folder, work);
    if (index > 0) await rm(folder, { recursive: true });
  }
  await requirePrepared(data, positions);
  for (const name of await readdir(data)) {
    if (isRecord(name)) await rm(path.join(data, name), { recursive: true });
    else await rename(path.join(data, name), path.join(scratch, name));
  }
  await rm(workshop, { recursive: true });
}

async function extract(backup: BackupReader, folder: string): Promise<void> {
  const base = backup.manifest.artifacts.find(({ role }) => role === 'base');
  if (!base) throw new BackupError('verification-failed', `${backup.manifest.id} has no artifact of data`);
  await backup.into('base', base.name, { command: 'mbstream', args: ['-x', '-C', folder], cwd: '/' });
}

/** What came out must be what the manifest describes, and not yet touched. */
async function requireRecorded(folder: string, position: PhysicalPosition, type: string): Promise<void> {
  const found = await readCheckpoints(folder);
  const { fromLsn, toLsn, lastLsn } = position;
  if (found.type === type && found.fromLsn === fromLsn && found.toLsn === toLsn && found.lastLsn === lastLsn) return;
  throw new BackupError('verification-failed', 'The backup inside is not the one that the manifest describes.', {
    remedy: 'Restore another backup.',
    facts: { inside: JSON.stringify(found), manifest: JSON.stringify({ type, fromLsn, toLsn, lastLsn }) },
  });
}

async function prepare(data: string, incremental: string | undefined, work: Work): Promise<void> {
  let last = '';
  const program: Program = {
    command: 'mariadb-backup',
    args: [
      '--no-defaults',
      '--prepare',
      `--target-dir=${data}`,
      `--use-memory=${MEMORY}`,
      ...(incremental === undefined ? [] : [`--incremental-dir=${incremental}`]),
    ],
    env: { LC_ALL: 'C', TZ: 'UTC' },
    cwd: '/',
    onStderr(line) {
      if (line.trim() !== '') last = line;
    },
  };
  const phase = incremental === undefined ? 'preparing' : 'applying an incremental';
  try {
    await runPipeline({ programs: [program], bytes: () => 0, phase, total: null, work });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    throw new BackupError('verification-failed', `The backup cannot be prepared: ${error.message}`, {
      remedy: 'Nothing was started on it. Restore another backup, or this one from another copy.',
      facts: error.facts,
      cause: error,
    });
  }
  if (last.trimEnd().endsWith(' completed OK!')) return;
  throw new BackupError('verification-failed', `mariadb-backup --prepare ended without "completed OK!": ${last}`, {
    remedy: 'Restore another backup, or this one from another copy.',
  });
}

/** The result must stand where the newest backup did. */
async function requirePrepared(data: string, positions: readonly PhysicalPosition[]): Promise<void> {
  const newest = positions.at(-1);
  const { type, toLsn } = await readCheckpoints(data);
  const binlog = await readBinlogPosition(data);
  const agrees =
    (type === 'log-applied' || type === 'full-prepared') &&
    toLsn === newest?.toLsn &&
    (binlog?.file ?? null) === newest.binlogFile &&
    (binlog?.position ?? null) === newest.binlogPosition;
  if (agrees) return;
  throw new BackupError('verification-failed', 'What was prepared does not stand where the newest backup did.', {
    remedy: 'Restore another backup.',
    facts: { type, toLsn, expected: newest?.toLsn ?? null, binlog: JSON.stringify(binlog) },
  });
}
