/** Opens the sample as the last start left it, or makes it: in seconds the one, in less than half a minute the other. */
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { PrivateServer } from '../../../activities/sources/postgres/server.ts';
import { messageOf } from '../../../activities/streams/errno.ts';
import { requireSpace } from '../../../activities/storage/space.ts';
import { formatBytes } from '../../../model/units.ts';
import { databaseBytes, fillDatabase, grantBackupRole, makeCluster, startDatabase } from './database.ts';
import { endStrayServer } from './leftovers.ts';
import { clearPlace, markComplete, type SamplePlace } from './place.ts';
import { makeKeys, writeConfig } from './settings.ts';
import { makeStack } from './stack.ts';

export interface Sample {
  /** It runs; until `ready` its shop may be half filled. */
  readonly server: PrivateServer;
  /** Resolves once the shop is filled. */
  readonly ready: Promise<void>;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** Tells the user what goes on. */
  readonly note: (text: string) => void;
}

/** The sample with its backups, a second copy of them, and a restore. */
const NEEDED = 3 * 2 ** 30;
/** Every start adds a full backup and its copy; with more than this they are begun anew. */
const KEPT = 4 * 2 ** 30;

/** Puts in order what an earlier start left behind. Nothing of the sample runs yet. */
export async function tidySample(place: SamplePlace, { note }: OpenOptions): Promise<void> {
  await endStrayServer(place.postgres);
  await rm(place.scratch, { recursive: true, force: true });
  const bytes = (await Promise.all([place.repository, place.vault].map(bytesBelow))).reduce(
    (sum, each) => sum + each,
    0,
  );
  if (bytes <= KEPT) return;
  note(`The sample's backups have grown to ${formatBytes(bytes)}: they are begun anew.`);
  for (const folder of [place.repository, place.vault, place.state]) await rm(folder, { recursive: true, force: true });
  await mkdir(place.vault, { mode: 0o700 });
}

/** Opens a complete sample; undefined when it turns out to be damaged. */
export async function reopenSample(place: SamplePlace, { signal, note }: OpenOptions): Promise<Sample | undefined> {
  let server: PrivateServer | undefined;
  try {
    await Promise.all([access(path.join(place.stack, '.env')), access(place.keys), access(place.vault)]);
    server = await startDatabase(place, neverAborted());
    await grantBackupRole(server, signal);
    const bytes = await databaseBytes(server, signal);
    await writeConfig(place, server);
    note(`The sample in ${place.root}: PostgreSQL with ${formatBytes(bytes)}, and a stack folder.`);
    return { server, ready: Promise.resolve() };
  } catch (error) {
    await server?.stop('immediate');
    signal.throwIfAborted();
    note(`The sample in ${place.root} is damaged (${messageOf(error)}): it is made anew.`);
    return undefined;
  }
}

/** Makes the sample in place of whatever is there. @throws BackupError `no-space`. */
export async function makeSample(place: SamplePlace, { signal, note }: OpenOptions): Promise<Sample> {
  await clearPlace(place);
  await requireSpace({ path: place.root, needed: NEEDED });
  note(
    `Making a sample in ${place.root}: a private PostgreSQL with some 400 MB, and a stack folder (once, about 20 s).`,
  );
  await Promise.all([
    makeKeys(place),
    makeStack(place.stack, signal),
    makeCluster(place, signal),
    mkdir(place.vault, { mode: 0o700 }),
  ]);
  const server = await startDatabase(place, neverAborted());
  try {
    await writeConfig(place, server);
  } catch (error) {
    await server.stop('immediate');
    throw error;
  }
  return { server, ready: fillDatabase(server, signal).then(() => markComplete(place)) };
}

/** ^C must not crash the server under what is cleaning up: it is ended last, in order. */
function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [] /* not made yet */);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
