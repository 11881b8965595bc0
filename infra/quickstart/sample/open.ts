/** Opens the sample as the last start left it, or makes it: in seconds the one, in half a minute the other. */
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../../activities/streams/errno.ts';
import { requireSpace } from '../../../activities/storage/space.ts';
import { formatBytes } from '../../../model/units.ts';
import type { RunningDatabase, SampleDatabase } from './database.ts';
import { DATABASES } from './engines.ts';
import { endStrayServers } from './leftovers.ts';
import { clearPlace, markComplete, type SamplePlace } from './place.ts';
import type { RunningRemote, SampleRemote } from './remote.ts';
import { REMOTES } from './remotes.ts';
import { makeKeys, writeConfig, type SampleServers } from './settings.ts';
import { makeStack } from './stack.ts';

export interface Sample {
  /** They run; until `ready` they may be half filled. */
  readonly databases: readonly OpenDatabase[];
  /** Resolves once all of it is made. */
  readonly ready: Promise<void>;
  /** Ends the servers, in order. */
  stop(): Promise<void>;
}

export interface OpenDatabase {
  readonly of: SampleDatabase;
  readonly server: RunningDatabase;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** Tells the user what goes on. */
  readonly note: (text: string) => void;
}

/** The sample with its backups, three copies of them, and a restore. */
const NEEDED = 3 * 2 ** 30;
/** Every start adds a full backup and its copies; with more than this they are begun anew. */
const KEPT = 4 * 2 ** 30;

/** Puts in order what an earlier start left behind. Nothing of the sample runs yet. */
export async function tidySample(place: SamplePlace, { note }: OpenOptions): Promise<void> {
  await endStrayServers(place.root, [...DATABASES, ...REMOTES]);
  await Promise.all(DATABASES.map((database) => database.tidy(place)));
  await rm(place.scratch, { recursive: true, force: true });
  const backups = [place.repository, place.vault, place.bucket, place.offsite];
  const bytes = (await Promise.all(backups.map(bytesBelow))).reduce((sum, each) => sum + each, 0);
  if (bytes <= KEPT) return;
  note(`The sample's backups have grown to ${formatBytes(bytes)}: they are begun anew.`);
  for (const folder of [...backups, place.state]) await rm(folder, { recursive: true, force: true });
  await mkdir(place.vault, { mode: 0o700 });
}

/** Opens a complete sample; undefined when it turns out to be damaged. */
export async function reopenSample(place: SamplePlace, { signal, note }: OpenOptions): Promise<Sample | undefined> {
  let servers: Servers | undefined;
  try {
    await Promise.all([access(path.join(place.stack, '.env')), access(place.keys), access(place.vault)]);
    servers = await startAll(place);
    const { databases } = servers;
    const sizes = await Promise.all(
      databases.map(async ({ of, server }) => `${of.engine} with ${formatBytes(await server.reopen(signal))}`),
    );
    await writeConfig(place, configOf(servers));
    note(`The sample in ${place.root}: ${sizes.join(', ')}, and a stack folder.`);
    return { ...servers, ready: Promise.resolve() };
  } catch (error) {
    await servers?.stop('immediate');
    signal.throwIfAborted();
    note(`The sample in ${place.root} is damaged (${messageOf(error)}): it is made anew.`);
    return undefined;
  }
}

/** Makes the sample in place of whatever is there. @throws BackupError `no-space`. */
export async function makeSample(place: SamplePlace, { signal, note }: OpenOptions): Promise<Sample> {
  await clearPlace(place);
  await requireSpace({ path: place.root, needed: NEEDED });
  const engines = DATABASES.map(({ engine }) => engine).join(', ');
  note(`Making a sample in ${place.root}: private servers of ${engines} with some 500 MB, and a stack folder`);
  note('(once, half a minute).');
  await mkdir(place.keys, { mode: 0o700 });
  await Promise.all([
    makeKeys(place),
    makeStack(place.stack, signal),
    ...DATABASES.map((database) => database.make(place, signal)),
    mkdir(place.vault, { mode: 0o700 }),
  ]);
  const servers = await startAll(place);
  try {
    await writeConfig(place, configOf(servers));
  } catch (error) {
    await servers.stop('immediate');
    throw error;
  }
  return { ...servers, ready: fillAll(place, servers.databases, signal) };
}

async function fillAll(place: SamplePlace, databases: readonly OpenDatabase[], signal: AbortSignal): Promise<void> {
  await Promise.all(databases.map(({ server }) => server.fill(signal)));
  await markComplete(place);
}

function configOf({ databases, remotes }: Servers): SampleServers {
  return {
    databases: Object.fromEntries(databases.map(({ of, server }) => [of.source, server.config])),
    destinations: Object.fromEntries(remotes.map(({ of, server }) => [of.destination, server.config])),
  };
}

interface OpenRemote {
  readonly of: SampleRemote;
  readonly server: RunningRemote;
}

interface Servers {
  readonly databases: readonly OpenDatabase[];
  readonly remotes: readonly OpenRemote[];
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

/** Starts all servers beside each other. When one does not start, none is left running. */
async function startAll(place: SamplePlace): Promise<Servers> {
  const [databases, remotes] = await Promise.all([
    Promise.allSettled(DATABASES.map(async (of): Promise<OpenDatabase> => ({ of, server: await of.start(place) }))),
    Promise.allSettled(REMOTES.map(async (of): Promise<OpenRemote> => ({ of, server: await of.start(place) }))),
  ]);
  const started = { databases: databases.flatMap(valueOf), remotes: remotes.flatMap(valueOf) };
  const stop = async (how: 'fast' | 'immediate' = 'fast') => {
    const ends = [
      ...started.databases.map(({ server }) => server.stop(how)),
      ...started.remotes.map(({ server }) => server.stop()),
    ];
    await Promise.all(ends);
  };
  const failed = [...databases, ...remotes].find((start) => start.status === 'rejected');
  if (failed) {
    await stop('immediate');
    throw failed.reason;
  }
  return { ...started, stop };
}

function valueOf<T>(start: PromiseSettledResult<T>): readonly T[] {
  return start.status === 'fulfilled' ? [start.value] : [];
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [] /* not made yet */);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
