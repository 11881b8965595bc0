/** Whether a backup can take the place of a server's data; before anything is touched. */
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { ifThere } from '../../../storage/fs-errors.ts';
import { sameFolder } from '../../in-place/folder.ts';
import type { InPlaceContext, InPlaceExamined } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { backupConnection } from '../connection.ts';
import { controlData } from '../control.ts';
import { majorOf } from '../facts.ts';
import { basePosition } from '../incremental/position.ts';
import { withReach } from '../reach.ts';
import { restoredMajor } from '../engine.ts';
import { withSession } from '../session.ts';
import type { Facts } from './facts.ts';
import { highestTimeline } from './timelines.ts';

type Context = InPlaceContext<PostgresSource>;

const running = z.object({
  systemId: z.string(),
  timeline: z.number(),
  inRecovery: z.boolean(),
  data: z.string().nullable(),
});

// In recovery there is no position of writing; the timeline is that of the last restart point then.
const RUNNING = `
  SELECT (SELECT system_identifier::text FROM pg_control_system()) AS "systemId",
         CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
              ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END AS timeline,
         pg_is_in_recovery() AS "inRecovery",
         (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data`;

export async function examine(context: Context, known: readonly Manifest[]): Promise<InPlaceExamined> {
  const { manifest, place, state, work } = context;
  refuseTablespaces(manifest);
  const major = restoredMajor(manifest);
  const binaries = await requireBinaries(major, { program: 'postgres' });
  const { systemId } = basePosition.parse(manifest.position);
  const server = await ask(context);
  if (server) await requireSameServer(context, server, { systemId, major });
  const notes = [...(await onDisk(place.data, { binaries, major, systemId }, work.signal))];
  const taken = Math.max(server?.timeline ?? 1, await highestTimeline(state, known, place.data));
  const facts: Facts = { systemId, taken };
  return { facts, answers: server !== undefined, notes };
}

type Running = z.infer<typeof running> & { readonly major: number };

/** Undefined where it does not answer: it may be down, which is why somebody restores. */
async function ask(context: Context): Promise<Running | undefined> {
  try {
    return await withReach(context, async (config) => {
      const connection = await backupConnection(config, context.readSecret);
      const options = { application: 'mosaic-backup restore', signal: context.work.signal };
      return withSession(connection, options, async (session) => {
        const [found] = await session.rows(running, RUNNING);
        if (!found) throw new TypeError('a query for one row gave none');
        return { ...found, major: majorOf(session.version) };
      });
    });
  } catch (error) {
    // Its container may be gone altogether.
    if (error instanceof BackupError && ['unreachable', 'not-found'].includes(error.code)) return undefined;
    throw error;
  }
}

async function requireSameServer(
  { source, place }: Context,
  server: Running,
  wanted: { readonly systemId: string; readonly major: number },
): Promise<void> {
  if (server.systemId !== wanted.systemId) {
    throw refused(
      `The server of "${source}" is another cluster (${server.systemId}) than the one in the backup (${wanted.systemId})`,
      'Restore to a folder (--to), look at it, and move it into place by hand if it is what you want.',
    );
  }
  if (server.major !== wanted.major) {
    throw refused(
      `The server of "${source}" is PostgreSQL ${server.major}, and the backup is of ${wanted.major}`,
      `Restore to a folder (--to) and start a server of version ${wanted.major} on it; pg_dump takes its data to the newer one.`,
    );
  }
  if (server.inRecovery) {
    throw refused(
      `The server of "${source}" is a standby, which follows another one`,
      'Restore the primary, and make the standby anew from it.',
    );
  }
  if (server.data === null || (await sameFolder(server.data, place))) return;
  throw refused(
    `inPlace.data of "${source}" is ${place.data}, and its server runs on ${server.data}`,
    `Set inPlace.data to ${server.data}; where the server runs in a container, also inPlace.seenAs to that path.`,
  );
}

/** What the folder itself tells, where there is one. */
async function onDisk(
  data: string,
  wanted: { readonly binaries: Binaries; readonly major: number; readonly systemId: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const version = (await ifThere(readFile(path.join(data, 'PG_VERSION'), 'utf8')))?.trim();
  if (version === undefined) {
    if ((await ifThere(stat(data))) === undefined) return [`${data} is not there: nothing is moved aside.`];
    if ((await readdir(data)).length === 0) return [`${data} is empty: there are no old data to keep.`];
    throw refused(
      `${data} is no data folder of PostgreSQL: it has no PG_VERSION`,
      'Look whether inPlace.data is right. If this is what is left of the data, rename it yourself first.',
    );
  }
  if (Number(version) !== wanted.major) {
    throw refused(
      `${data} is a data folder of PostgreSQL ${version}, and the backup is of ${wanted.major}`,
      'Look whether inPlace.data is right; otherwise restore to a folder (--to).',
    );
  }
  const found = await systemIdOf(data, wanted.binaries, signal);
  if (found !== undefined && found !== wanted.systemId) {
    throw refused(
      `${data} is the data folder of another cluster (${found}) than the one in the backup (${wanted.systemId})`,
      'Look whether inPlace.data is right; otherwise restore to a folder (--to).',
    );
  }
  const wal = await ifThere(lstat(path.join(data, 'pg_wal')));
  return [
    ...(found === undefined ? [`The control file of ${data} cannot be read: whose data it holds is not known.`] : []),
    ...(wal?.isSymbolicLink()
      ? ['pg_wal lies elsewhere now, and inside the data folder afterwards; what it links to stays as it is.']
      : []),
  ];
}

/** Undefined where the control file is lost or damaged. */
async function systemIdOf(data: string, binaries: Binaries, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await controlData(data, binaries, signal))['Database system identifier'];
  } catch (error) {
    if (error instanceof BackupError && error.code === 'program-failed') return undefined;
    throw error;
  }
}

/** They would come to lie inside the data folder: on another disk than they were made for, without anybody being asked. */
function refuseTablespaces({ artifacts }: Manifest): void {
  if (!artifacts.some(({ role }) => role === 'tablespace')) return;
  throw refused(
    'The backup has tablespaces, which are not restored in place',
    'Restore to a folder (--to): its tablespaces lie below it. Move them to their disks, set the links in pg_tblspc, and start the server.',
  );
}

function refused(what: string, remedy: string): BackupError {
  return new BackupError('refused', `${what}. Nothing was changed.`, { remedy });
}
