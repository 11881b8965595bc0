/** Whether what was extracted is what was backed up: before anything is combined with it, or started on it. */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { messageOf } from '../../streams/errno.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Program } from '../../streams/types.ts';
import type { Work } from '../../work.ts';
import { hasProgram, programOf, type Binaries } from './binaries.ts';
import { lsnNumber } from './base-backup.ts';
import { BACKUP_MANIFEST } from './extract.ts';
import { digestOf } from './incremental/parents.ts';
import { basePosition } from './incremental/position.ts';
import { manifestFile, shareFiles } from './verify-shares.ts';

/** More than that wait for the disk. */
const MOST_VERIFIERS = 4;

const backupManifest = z.looseObject({
  Files: z.array(manifestFile),
  'WAL-Ranges': z.array(z.looseObject({ Timeline: z.number(), 'Start-LSN': z.string(), 'End-LSN': z.string() })),
});

/**
 * Runs pg_verifybackup on a data folder: every file against backup_manifest, and the WAL. Several at once, as cores allow:
 * of 3.1 GB one took 2.0 s on one core.
 * @param ignore a folder inside that is not in its manifest.
 */
export async function verifyFiles(binaries: Binaries, data: string, work: Work, ignore?: string): Promise<void> {
  // pg_waldump comes with the server. Without it the WAL is known by the artifact's digest only.
  const parsesWal = await hasProgram(binaries, 'pg_waldump');
  if (!parsesWal) work.log.warn({ folder: binaries.folder }, 'pg_waldump is missing: WAL is not parsed');
  const shares = shareFiles((await readManifest(data)).Files, Math.min(MOST_VERIFIERS, availableParallelism()));
  const stop = new AbortController();
  const sharing = { ...work, signal: AbortSignal.any([work.signal, stop.signal]) };
  const causes: unknown[] = [];
  await Promise.allSettled(
    shares.map(async (others, index) => {
      const ignored = [...(ignore === undefined ? [] : [ignore]), ...others].map((name) => `--ignore=${name}`);
      const withoutWal = parsesWal && index === 0 ? [] : ['--no-parse-wal'];
      const args = ['--exit-on-error', ...ignored, ...withoutWal, data];
      await verifyShare(programOf(binaries, 'pg_verifybackup', { args, cwd: '/' }), sharing).catch((error: unknown) => {
        causes.push(error);
        stop.abort();
      });
    }),
  );
  // What the others say then is that they were stopped.
  if (causes.length > 0) throw causes[0];
}

async function verifyShare(program: Program, work: Work): Promise<void> {
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
  const ranges = (await readManifest(data))['WAL-Ranges'];
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

/** @throws BackupError `verification-failed` where it cannot be understood. */
async function readManifest(data: string): Promise<z.infer<typeof backupManifest>> {
  try {
    return backupManifest.parse(JSON.parse(await readFile(path.join(data, BACKUP_MANIFEST), 'utf8')));
  } catch (error) {
    throw new BackupError('verification-failed', `The ${BACKUP_MANIFEST} inside cannot be read: ${messageOf(error)}`, {
      remedy: 'Restore another backup.',
      cause: error,
    });
  }
}

function differs(facts: { readonly manifest: string; readonly inside: string }): BackupError {
  return new BackupError('verification-failed', 'The base backup inside is not the one that the manifest describes.', {
    remedy: 'Restore another backup.',
    facts,
  });
}
