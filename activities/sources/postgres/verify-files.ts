/** Whether what was extracted is what was backed up: before anything is combined with it, or started on it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { hasProgram, type Binaries } from './binaries.ts';
import { lsnNumber } from './base-backup.ts';
import { BACKUP_MANIFEST } from './extract.ts';
import { digestOf } from './incremental/parents.ts';
import { basePosition } from './incremental/position.ts';

const backupManifest = z.looseObject({
  'WAL-Ranges': z.array(z.looseObject({ Timeline: z.number(), 'Start-LSN': z.string(), 'End-LSN': z.string() })),
});

/**
 * Runs pg_verifybackup on a data folder: every file against backup_manifest, and the WAL.
 * @param ignore a folder inside that is not in its manifest.
 */
export async function verifyFiles(binaries: Binaries, data: string, work: Work, ignore?: string): Promise<void> {
  const args = ['--exit-on-error', ...(ignore === undefined ? [] : [`--ignore=${ignore}`])];
  // pg_waldump comes with the server. Without it the WAL is known by the artifact's digest only.
  const parsesWal = await hasProgram(binaries, 'pg_waldump');
  if (!parsesWal) work.log.warn({ folder: binaries.folder }, 'pg_waldump is missing: WAL is not parsed');
  const command = path.join(binaries.folder, 'pg_verifybackup');
  const program = { command, args: [...args, ...(parsesWal ? [] : ['--no-parse-wal']), data], cwd: '/' };
  try {
    await runPipeline({ programs: [program], bytes: () => 0, phase: 'verifying files', total: null, work });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    throw new BackupError('verification-failed', `What was restored is not what was backed up: ${error.message}`, {
      remedy: 'Nothing was started on it. Restore another backup, or this one from another copy.',
      facts: error.facts,
      cause: error,
    });
  }
}

/** The WAL that came along must be that of our manifest, or recovery would stop short of the backup's end. */
export async function requirePosition(manifest: Manifest, data: string): Promise<void> {
  const ours = basePosition.parse(manifest.position);
  const bytes = await readFile(path.join(data, BACKUP_MANIFEST));
  const ranges = backupManifest.parse(JSON.parse(bytes.toString('utf8')))['WAL-Ranges'];
  const agrees = ranges.some(
    (range) =>
      range.Timeline === ours.timeline &&
      lsnNumber(range['Start-LSN']) === lsnNumber(ours.startLsn) &&
      lsnNumber(range['End-LSN']) === lsnNumber(ours.endLsn),
  );
  if (agrees) return;
  throw differs({ manifest: JSON.stringify(ours), inside: JSON.stringify(ranges) });
}

/** What an incremental was built upon is what its parent holds, to the byte. */
export async function requireBackupManifest(manifest: Manifest, data: string): Promise<void> {
  const wanted = basePosition.parse(manifest.position).backupManifest;
  const found = digestOf(await readFile(path.join(data, BACKUP_MANIFEST)));
  if (wanted === undefined || wanted === found) return;
  throw differs({ manifest: wanted, inside: found });
}

function differs(facts: { readonly manifest: string; readonly inside: string }): BackupError {
  return new BackupError('verification-failed', 'The base backup inside is not the one that the manifest describes.', {
    remedy: 'Restore another backup.',
    facts,
  });
}
