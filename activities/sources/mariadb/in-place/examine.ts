/** Whether a backup can take the place of a server's data; before anything is touched. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { ifThere } from '../../../storage/fs-errors.ts';
import { sameFolder } from '../../in-place/folder.ts';
import type { InPlaceContext, InPlaceExamined } from '../../types.ts';
import { backupConnection, type Connection } from '../connection.ts';
import { gatherFacts, seriesOf, type Facts as ServerFacts } from '../facts.ts';
import { furthest } from '../gtid.ts';
import { versionOf } from '../restore.ts';
import { rows } from '../session.ts';
import { binlogsIn } from './binlog-files.ts';
import type { Facts } from './facts.ts';

type Context = InPlaceContext<MariadbSource>;

const gtids = z.looseObject({ gtid: z.string().nullish(), gtidEnd: z.string().nullish() });

export async function examine(context: Context, known: readonly Manifest[]): Promise<InPlaceExamined> {
  const { place } = context;
  const server = await ask(context);
  if (server) await requireSameServer(context, server);
  const notes = await onDisk(place.data);
  const stored = known.flatMap((manifest) => {
    const { gtid, gtidEnd } = gtids.safeParse(manifest.position).data ?? {};
    return [gtid ?? '', gtidEnd ?? ''];
  });
  const facts: Facts = {
    binlogs: server ? onHost(server.binlogs, server.settings.DATADIR ?? '', place.data) : await binlogsIn(place.data),
    gtids: furthest([server?.gtid ?? '', ...stored]),
  };
  return { facts, answers: server !== undefined, notes };
}

interface Running extends ServerFacts {
  /** Path of its binary logs without a number; null where it writes none. */
  readonly binlogs: string | null;
}

/** Undefined where it does not answer: it may be down, which is why somebody restores. */
async function ask({ config, readSecret, work }: Context): Promise<Running | undefined> {
  const connection = await backupConnection(config, readSecret);
  try {
    return {
      ...(await gatherFacts(connection, { signal: work.signal })),
      binlogs: await basenameOf(connection, work.signal),
    };
  } catch (error) {
    if (error instanceof BackupError && error.code === 'unreachable') return undefined;
    throw error;
  }
}

async function basenameOf(connection: Connection, signal: AbortSignal): Promise<string | null> {
  const [found] = await rows(
    connection,
    z.object({ value: z.string().nullable() }),
    "SELECT JSON_OBJECT('value', @@GLOBAL.log_bin_basename)",
    { signal },
  );
  return found?.value ?? null;
}

/** A path of the server's, as this host sees it: in a container the data folder has another name. */
function onHost(binlogs: string | null, datadir: string, data: string): string | null {
  if (binlogs === null || binlogs === '') return null;
  const below = path.relative(datadir, binlogs);
  return below.startsWith('..') ? binlogs : path.join(data, below);
}

async function requireSameServer({ source, place, manifest }: Context, { version, settings }: Running): Promise<void> {
  const wanted = versionOf(manifest);
  if (seriesOf(version) !== seriesOf(wanted)) {
    throw refused(
      `The server of "${source}" is MariaDB ${seriesOf(version)}, and the backup is of ${seriesOf(wanted)}`,
      `Restore to a folder (--to) and start a server of version ${seriesOf(wanted)} on it.`,
    );
  }
  const datadir = settings.DATADIR ?? '';
  if (!(await sameFolder(datadir, place))) {
    throw refused(
      `inPlace.data of "${source}" is ${place.data}, and its server runs on ${datadir}`,
      `Set inPlace.data to ${datadir}; where the server runs in a container, also inPlace.seenAs to that path.`,
    );
  }
  const elsewhere = ['INNODB_DATA_HOME_DIR', 'INNODB_LOG_GROUP_HOME_DIR', 'INNODB_UNDO_DIRECTORY'] as const;
  for (const name of elsewhere) {
    const folder = path.resolve(datadir, settings[name] ?? '');
    if (folder === path.resolve(datadir) || folder.startsWith(path.join(datadir, path.sep))) continue;
    throw refused(
      `${name.toLowerCase()} of the server is ${folder}: not all of its data lie in ${datadir}, so renaming that is not enough`,
      'Restore to a folder (--to), and move its files into place by hand.',
    );
  }
}

async function onDisk(data: string): Promise<readonly string[]> {
  if ((await ifThere(stat(data))) === undefined) return [`${data} is not there: nothing is moved aside.`];
  const names = await readdir(data);
  if (names.length === 0) return [`${data} is empty: there are no old data to keep.`];
  if (names.includes('mysql')) return [];
  throw refused(
    `${data} is no data folder of MariaDB: it holds no database "mysql"`,
    'Look whether inPlace.data is right. If this is what is left of the data, rename it yourself first.',
  );
}

function refused(what: string, remedy: string): BackupError {
  return new BackupError('refused', `${what}. Nothing was changed.`, { remedy });
}
