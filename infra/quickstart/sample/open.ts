/** Opens the sample as the last start left it, or makes it: in seconds the one, in less than half a minute the other. */
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { PrivateServer } from '../../../activities/sources/postgres/server.ts';
import { messageOf } from '../../../activities/streams/errno.ts';
import { requireSpace } from '../../../activities/storage/space.ts';
import { formatBytes } from '../../../model/units.ts';
import { databaseBytes, fillDatabase, makeCluster, startDatabase } from './database.ts';
import { endStrayServer } from './leftovers.ts';
import { claimPlace, clearPlace, isComplete, markComplete, type SamplePlace } from './place.ts';
import { makeKeys, writeConfig } from './settings.ts';
import { makeStack } from './stack.ts';

export interface Sample {
  /** It runs; until `ready` its shop may be half filled. */
  readonly server: PrivateServer;
  /** Resolves once the shop is filled. */
  readonly ready: Promise<void>;
  /** Ends the server and leaves the folder to the next start. */
  close(): Promise<void>;
}

interface Options {
  readonly signal: AbortSignal;
  /** Tells the user what goes on. */
  readonly note: (text: string) => void;
}

/** The sample with its backups, a second copy of them, and a restore. */
const NEEDED = 3 * 2 ** 30;
/** Every start adds a full backup and its copy; with more than this they are begun anew. */
const KEPT = 4 * 2 ** 30;

/** @throws BackupError `busy` when another start uses it, `refused`, `no-space`. */
export async function openSample(place: SamplePlace, options: Options): Promise<Sample> {
  const lease = await claimPlace(place, options.signal);
  try {
    await endStrayServer(place.postgres);
    await rm(place.scratch, { recursive: true, force: true });
    const { server, ready } = (await reopen(place, options)) ?? (await make(place, options));
    const close = async () => {
      // Filling ends with its session at the latest.
      await server.stop();
      await lease.release();
    };
    return { server, ready, close };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

type Opened = Omit<Sample, 'close'>;

/** Undefined when there is no complete sample, or a damaged one: it is made anew then. */
async function reopen(place: SamplePlace, { signal, note }: Options): Promise<Opened | undefined> {
  if (!(await isComplete(place))) return undefined;
  let server: PrivateServer | undefined;
  try {
    await Promise.all([access(path.join(place.stack, '.env')), access(place.keys), access(place.vault)]);
    server = await startDatabase(place, neverAborted());
    const bytes = await databaseBytes(server, signal);
    await writeConfig(place, server);
    await limitBackups(place, note);
    note(`The sample in ${place.root}: PostgreSQL with ${formatBytes(bytes)}, and a stack folder.`);
    return { server, ready: Promise.resolve() };
  } catch (error) {
    await server?.stop('immediate');
    signal.throwIfAborted();
    note(`The sample in ${place.root} is damaged (${messageOf(error)}): it is made anew.`);
    return undefined;
  }
}

async function make(place: SamplePlace, { signal, note }: Options): Promise<Opened> {
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

async function limitBackups({ repository, vault, state }: SamplePlace, note: (text: string) => void): Promise<void> {
  const bytes = (await Promise.all([repository, vault].map(bytesBelow))).reduce((sum, each) => sum + each, 0);
  if (bytes <= KEPT) return;
  note(`The sample's backups have grown to ${formatBytes(bytes)}: they are begun anew.`);
  for (const folder of [repository, vault, state]) await rm(folder, { recursive: true, force: true });
  await mkdir(vault, { mode: 0o700 });
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [] /* not made yet */);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
