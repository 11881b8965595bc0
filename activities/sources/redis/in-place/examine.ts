/** Whether a backup can take the place of a server's data; before anything is touched. */
import type { RedisSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { sameFolder } from '../../in-place/folder.ts';
import { serverStands } from '../../in-place/processes.ts';
import type { InPlaceContext, InPlaceExamined } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { gatherFacts, namesOf, type Facts as ServerFacts } from '../facts.ts';
import { positionOf } from '../position.ts';
import { engineOf, requirePrograms } from '../programs.ts';
import type { Facts } from './facts.ts';
import { PROCESSES } from './processes.ts';

type Context = InPlaceContext<RedisSource>;

export async function examine(context: Context): Promise<InPlaceExamined> {
  const { manifest } = context;
  const position = positionOf(manifest);
  await requirePrograms(engineOf(manifest));
  const server = await ask(context);
  if (server) await requireSameServer(context, server);
  const appendonly = server?.persistence.aof ?? position.appendonly;
  if (position.method === 'aof' && !appendonly) {
    throw refused(
      'The backup is of append-only files, and the server has them off: it would start empty',
      'Turn them on first (CONFIG SET appendonly yes, and in redis.conf); or restore to a folder (--to).',
    );
  }
  const facts: Facts = { appendonly };
  const notes =
    server === undefined
      ? [`It is taken that the server has appendonly ${appendonly ? 'yes' : 'no'}, as at the backup.`]
      : [];
  return { facts, answers: server !== undefined, notes };
}

/** Undefined where it does not answer: it may be down, which is why somebody restores. */
async function ask({ config, readSecret, work }: Context): Promise<ServerFacts | undefined> {
  const connection = await backupConnection(config, readSecret);
  try {
    return await gatherFacts({ connection, signal: work.signal });
  } catch (error) {
    if (error instanceof BackupError && error.code === 'unreachable') return undefined;
    throw error;
  }
}

async function requireSameServer({ source, config, place, manifest }: Context, server: ServerFacts): Promise<void> {
  const dir = server.settings?.dir;
  // The user of a backup may not ask for settings: then the process that stands in the folder tells.
  const same = dir === undefined ? await serverStands(place.data, PROCESSES) : await sameFolder(dir, place);
  if (!same) {
    throw refused(
      `inPlace.data of "${source}" is ${place.data}, and its server runs ${dir === undefined ? 'elsewhere' : `on ${dir}`}`,
      'Set inPlace.data to its folder (redis-cli CONFIG GET dir); where the server runs in a container, also inPlace.seenAs.',
    );
  }
  if (server.role !== 'master') {
    throw refused(
      `The server of "${source}" is a replica, which would take its data from its master again`,
      'Restore the master.',
    );
  }
  const now = namesOf(config, server.settings);
  const { names } = positionOf(manifest);
  const other = (['dbfilename', 'appenddirname', 'appendfilename'] as const).find((name) => now[name] !== names[name]);
  if (other === undefined || !now.known) return;
  throw refused(
    `The server's ${other} is ${now[other]}, and was ${names[other]} at the backup: it would not find its files`,
    'Restore to a folder (--to), rename them, and move them into place by hand.',
  );
}

function refused(what: string, remedy: string): BackupError {
  return new BackupError('refused', `${what}. Nothing was changed.`, { remedy });
}
