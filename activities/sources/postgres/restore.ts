/** A base backup back into a folder that a server can start from. Nothing outside that folder is touched. */
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { syncTree } from '../../storage/sync-tree.ts';
import type { RestoreContext } from '../types.ts';
import { hasProgram, installRemedy, requireBinaries, type Binaries } from './binaries.ts';
import { restoredMajor } from './engine.ts';
import { extract, linkTablespace } from './extract.ts';
import { requireChain } from './incremental/chain.ts';
import { takenTimelines } from './in-place/facts.ts';
import { combine } from './incremental/combine.ts';
import { replayLogs } from './replay.ts';
import { completeConfiguration } from './restored-configuration.ts';
import { giveTo } from '../private-server/user.ts';
import { serverUser } from './server-user.ts';
import { requireBackupManifest, requirePosition, verifyFiles } from './verify-files.ts';

/** Folder of the tablespaces in what is restored. PostgreSQL itself knows tablespaces inside its data folder. */
const TABLESPACES = 'tablespaces';

type Context = RestoreContext<PostgresSource>;

/**
 * Extracts, combines a chain into one, verifies with pg_verifybackup before any server may start on it, and only then
 * adapts it to its place.
 * @throws BackupError before anything is fetched: `missing-program` when this machine lacks the server's major
 *   version, `verification-failed` for backups that are no chain. Later: `verification-failed`, `no-space`.
 */
export async function restore(context: Context): Promise<void> {
  const { chain, scratch, paths, work } = context;
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a restore without a backup');
  if (paths.length > 0) {
    throw new BackupError('usage', 'Single paths cannot be restored out of a PostgreSQL cluster.', {
      remedy: 'Restore it as a whole to a folder, start a server there, and copy what you need.',
    });
  }
  requireChain(chain.map(({ manifest }) => manifest));
  const binaries = await requirePrograms(context, restoredMajor(backup.manifest));
  const tablespaces = await extractChain(context, binaries);
  const target = context.target ?? scratch;
  const { replay, inPlace } = context;
  // In place the backup alone gets a timeline of its own too: on the old one it would write other WAL of the same names.
  const recovers = replay !== undefined || inPlace !== undefined;
  // It is recovered here; only then do its tablespaces point to where it will be.
  await relocate(tablespaces, scratch, recovers ? scratch : target);
  await completeConfiguration(scratch);
  if (recovers) {
    const taken = inPlace && takenTimelines(inPlace);
    const { sandbox } = context;
    const servers = await requireBinaries(binaries.major, { program: 'postgres', sandbox });
    await replayLogs({ data: scratch, base: backup, replay, taken, binaries: servers, work });
    for (const oid of tablespaces) await linkTablespace(scratch, oid, path.join(target, TABLESPACES));
  }
  await giveTo(await serverUser(), scratch, work.signal);
}

async function requirePrograms({ chain, sandbox }: Context, major: number): Promise<Binaries> {
  const binaries = await requireBinaries(major, { program: 'pg_verifybackup', sandbox });
  if (chain.length > 1 && !(await hasProgram(binaries, 'pg_combinebackup'))) {
    throw new BackupError(
      'missing-program',
      `${binaries.folder} has no pg_combinebackup, which restores incrementals`,
      {
        remedy: installRemedy(major, 'pg_combinebackup'),
        facts: { program: 'pg_combinebackup', major },
      },
    );
  }
  return binaries;
}

/** @returns the OIDs of the tablespaces, each linked to its folder in scratch for now. */
async function extractChain({ chain, scratch, work }: Context, binaries: Binaries): Promise<readonly string[]> {
  const place = { data: scratch, tablespaces: path.join(scratch, TABLESPACES) };
  const [backup, ...more] = chain;
  if (!backup || more.length > 0) return combine({ chain, place, binaries, work });
  const oids = await extract(backup, place);
  // Tablespaces are verified by way of pg_tblspc; their own folder is not in the manifest of the base backup.
  // The one keeps a core busy, the other the disk: what it leaves is little for the sync before the promotion.
  await Promise.all([verifyFiles(binaries, scratch, work, TABLESPACES), syncTree(scratch, work)]);
  await requirePosition(backup.manifest, scratch);
  await requireBackupManifest(backup.manifest, scratch);
  return oids;
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
  for (const oid of tablespaces) await linkTablespace(scratch, oid, path.join(target, TABLESPACES));
  const stray = (await readdir(path.join(scratch, 'pg_tblspc'))).filter((name) => !tablespaces.includes(name));
  if (stray.length === 0) return;
  throw new BackupError(
    'verification-failed',
    `The backup links tablespaces that it does not hold: ${stray.join(', ')}`,
  );
}
