/** A base backup back into a folder that a server can start from. Nothing outside that folder is touched. */
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import { runProgram } from '../../streams/run.ts';
import type { Program } from '../../streams/types.ts';
import type { Work } from '../../work.ts';
import type { BackupReader, RestoreContext } from '../types.ts';
import { hasProgram, requireBinaries, type Binaries } from './binaries.ts';
import { lsnNumber } from './base-backup.ts';
import { replayLogs } from './replay.ts';
import { completeConfiguration } from './restored-configuration.ts';
import { giveTo, serverUser } from './server-user.ts';

/** Folder of the tablespaces in what is restored. PostgreSQL itself knows tablespaces inside its data folder. */
const TABLESPACES = 'tablespaces';

const BACKUP_MANIFEST = 'backup_manifest';

const engine = z.looseObject({ version: z.string() });
const position = z.looseObject({ timeline: z.number(), startLsn: z.string(), endLsn: z.string() });
const backupManifest = z.looseObject({
  'WAL-Ranges': z.array(z.looseObject({ Timeline: z.number(), 'Start-LSN': z.string(), 'End-LSN': z.string() })),
});

/**
 * Extracts, verifies with pg_verifybackup before any server may start on it, and only then adapts it to its place.
 * @throws BackupError `missing-program` before anything is fetched, when this machine lacks the server's major
 *   version; `verification-failed`.
 */
export async function restore(context: RestoreContext<PostgresSource>): Promise<void> {
  const { chain, scratch, paths, work } = context;
  const [backup, ...more] = chain;
  if (!backup || more.length > 0) throw new TypeError('a PostgreSQL backup is one full');
  if (paths.length > 0) {
    throw new BackupError('usage', 'Single paths cannot be restored out of a PostgreSQL cluster.', {
      remedy: 'Restore it as a whole to a folder, start a server there, and copy what you need.',
    });
  }
  const binaries = await requireBinaries(restoredMajor(backup.manifest), { program: 'pg_verifybackup' });
  const tablespaces = await extract(backup, scratch);
  // The one keeps a core busy, the other the disk. What it leaves is little for the sync before the promotion.
  await Promise.all([verify(binaries, scratch, work), flush(scratch, work)]);
  await requirePosition(backup.manifest, scratch);
  const target = context.target ?? scratch;
  // Logs are replayed here; only then do its tablespaces point to where it will be.
  await relocate(tablespaces, scratch, context.replay ? scratch : target);
  await completeConfiguration(scratch);
  if (context.replay) {
    await replayLogs({ data: scratch, base: backup, replay: context.replay, major: binaries.major, work });
    for (const oid of tablespaces) await link(scratch, oid, target);
  }
  await giveTo(await serverUser(), scratch, work.signal);
}

/** The major version that a backup needs. */
export function restoredMajor(manifest: Manifest): number {
  return Number.parseInt(engine.parse(manifest.engine).version, 10);
}

/** @returns the OIDs of the tablespaces, each linked to its folder in scratch for now. */
async function extract(backup: BackupReader, scratch: string): Promise<readonly string[]> {
  const tablespaces: string[] = [];
  await chmod(scratch, 0o700);
  // The base first: it has the folders that the others go into.
  const artifacts = backup.manifest.artifacts.toSorted((a, b) => Number(b.role === 'base') - Number(a.role === 'base'));
  for (const { role, name } of artifacts) {
    if (role === 'base') await backup.into(role, name, untar(scratch));
    if (role === 'wal') await backup.into(role, name, untar(path.join(scratch, 'pg_wal')));
    if (role === 'manifest') await backup.into(role, name, writeTo(path.join(scratch, BACKUP_MANIFEST)));
    if (role === 'tablespace') {
      const oid = /^\d+/.exec(name)?.[0] ?? '';
      const folder = path.join(scratch, TABLESPACES, oid);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await backup.into(role, name, untar(folder));
      tablespaces.push(oid);
    }
  }
  await chmod(path.join(scratch, BACKUP_MANIFEST), 0o600);
  for (const oid of tablespaces) await link(scratch, oid, scratch);
  return tablespaces;
}

function untar(folder: string): Program {
  // The owner is whoever will run the server here, not whichever user has production's number on this machine.
  const args = ['--extract', '--file=-', `--directory=${folder}`, '--preserve-permissions', '--no-same-owner'];
  return { command: 'tar', args };
}

function writeTo(file: string): Program {
  return { command: 'dd', args: [`of=${file}`, 'status=none', 'bs=64k'] };
}

async function link(scratch: string, oid: string, root: string): Promise<void> {
  const place = path.join(scratch, 'pg_tblspc', oid);
  await rm(place, { force: true });
  await symlink(path.join(root, TABLESPACES, oid), place);
}

async function verify(binaries: Binaries, scratch: string, work: Work): Promise<void> {
  // Tablespaces are verified by way of pg_tblspc; their own folder is not in the manifest of the base backup.
  const args = ['--exit-on-error', `--ignore=${TABLESPACES}`];
  // pg_waldump comes with the server. Without it the WAL is known by the artifact's digest only.
  const parsesWal = await hasProgram(binaries, 'pg_waldump');
  if (!parsesWal) work.log.warn({ folder: binaries.folder }, 'pg_waldump is missing: WAL is not parsed');
  const command = path.join(binaries.folder, 'pg_verifybackup');
  const program = { command, args: [...args, ...(parsesWal ? [] : ['--no-parse-wal']), scratch], cwd: '/' };
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

async function flush(folder: string, { signal }: Work): Promise<void> {
  await runProgram({ command: 'sync', args: ['-f', folder] }, { signal });
}

/** The WAL that came along must be that of our manifest, or recovery would stop short of the backup's end. */
async function requirePosition(manifest: Manifest, scratch: string): Promise<void> {
  const ours = position.parse(manifest.position);
  const text = await readFile(path.join(scratch, BACKUP_MANIFEST), 'utf8');
  const ranges = backupManifest.parse(JSON.parse(text))['WAL-Ranges'];
  const agrees = ranges.some(
    (range) =>
      range.Timeline === ours.timeline &&
      lsnNumber(range['Start-LSN']) === lsnNumber(ours.startLsn) &&
      lsnNumber(range['End-LSN']) === lsnNumber(ours.endLsn),
  );
  if (agrees) return;
  throw new BackupError('verification-failed', 'The base backup inside is not the one that the manifest describes.', {
    remedy: 'Restore another backup.',
    facts: { manifest: JSON.stringify(ours), inside: JSON.stringify(ranges) },
  });
}

/**
 * Start-up links pg_tblspc again from tablespace_map, to production's own folders: so the map must name ours.
 * A path's backslashes and line breaks stand behind a backslash in it.
 */
async function relocate(tablespaces: readonly string[], scratch: string, target: string): Promise<void> {
  if (tablespaces.length === 0) return;
  const lines = tablespaces.map(
    (oid) => `${oid} ${path.join(target, TABLESPACES, oid).replaceAll(/[\\\n\r]/g, '\\$&')}\n`,
  );
  await writeFile(path.join(scratch, 'tablespace_map'), lines.join(''), { mode: 0o600 });
  for (const oid of tablespaces) await link(scratch, oid, target);
  const stray = (await readdir(path.join(scratch, 'pg_tblspc'))).filter((name) => !tablespaces.includes(name));
  if (stray.length === 0) return;
  throw new BackupError(
    'verification-failed',
    `The backup links tablespaces that it does not hold: ${stray.join(', ')}`,
  );
}
