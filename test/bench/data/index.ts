/** The data that everything is measured on: made when first asked for, kept for the next run. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from '../../../activities/sources/postgres/binaries.ts';
import type { PrivateServer } from '../../../activities/sources/postgres/server.ts';
import type { Stored } from '../../../activities/storage/types.ts';
import { formatBytes } from '../../../model/units.ts';
import { shell } from '../shell.ts';
import { makeArtifact } from './artifact.ts';
import { cached } from './cache.ts';
import { cachedBinaries, makeCluster, psql, serverBinaries, startCluster } from './database.ts';
import { makeMariadb } from './mariadb.ts';
import type { Scale } from './scale.ts';
import { makeTree } from './tree.ts';

export interface Tree {
  readonly root: string;
  /** Regular files in it, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** How much smaller `zstd -3` makes it. */
  readonly ratio: number;
}

export interface Database {
  readonly server: PrivateServer;
  /** Folder of the client programs. */
  readonly programs: string;
  readonly version: string;
  readonly bytes: number;
  readonly ratio: number;
  readonly folder: string;
  /** Leaves the next base backup nothing to write before it begins. */
  checkpoint(): Promise<void>;
}

/** A database whose server does not run: it is copied, since whoever runs it changes it. */
export interface Dormant {
  /** Holds the data folder `data`. */
  readonly folder: string;
  readonly bytes: number;
}

/** A file such as captures leave behind: to whoever stores it, random bytes. */
export interface ArtifactFile {
  /** Alone in its folder. */
  readonly file: string;
  readonly stored: Stored;
}

export interface Data {
  readonly scale: Scale;
  tree(): Promise<Tree>;
  postgres(): Promise<Database>;
  /** An empty cluster, for runs over tiny sources. */
  emptyPostgres(): Promise<Database>;
  /** A third of the size, of the version that knows incrementals, with its programs. */
  postgres18(): Promise<Dormant & { readonly binaries: Binaries }>;
  /** Of the same size. */
  mariadb(): Promise<Dormant>;
  /** To be uploaded. */
  artifact(): Promise<ArtifactFile>;
  /** To be copied to several places at once. */
  copied(): Promise<ArtifactFile>;
  /** Stops the servers. */
  close(): Promise<void>;
}

export interface DataOptions {
  readonly cache: string;
  readonly scale: Scale;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export function benchData({ cache, scale, signal, say }: DataOptions): Data {
  const folder = path.join(cache, scale.name);
  const servers: PrivateServer[] = [];
  const tree = once(makeTheTree);
  const postgres = once(() => cluster('postgres', scale.postgres.bytes));
  const emptyPostgres = once(() => cluster('postgres-empty', 0));
  return {
    scale,
    tree,
    postgres,
    emptyPostgres,
    postgres18: once(thePostgres18),
    mariadb: once(theMariadb),
    artifact: once(() => theArtifact('artifact', scale.artifact.bytes)),
    copied: once(() => theArtifact('copied', scale.copied.bytes)),
    async close() {
      for (const server of servers.splice(0)) await server.stop();
    },
  };

  async function makeTheTree(): Promise<Tree> {
    const root = path.join(folder, 'tree');
    const facts = await cached(root, async () => {
      const made = await makeTree({ root, scale: scale.tree, signal, onProgress: progress('tree', scale.tree.bytes) });
      return { ...made, ratio: await ratioOf(root) };
    });
    return { root, ...facts };
  }

  async function thePostgres18() {
    const binaries = await cachedBinaries(18);
    const { place, bytes } = await madeCluster('postgres', scale.postgres.bytes / 3, binaries);
    return { folder: place, bytes, binaries };
  }

  async function theMariadb(): Promise<Dormant> {
    const place = path.join(folder, 'mariadb');
    const { bytes } = await cached(place, async () => {
      say('making data: mariadb');
      await makeMariadb({ folder: place, bytes: scale.postgres.bytes / 3, signal });
      return { bytes: await bytesOf(path.join(place, 'data', 'shop')) };
    });
    return { folder: place, bytes };
  }

  async function theArtifact(name: string, bytes: number): Promise<ArtifactFile> {
    const place = path.join(folder, name);
    const file = path.join(place, 'base.tar.zst.age');
    const stored = await cached(place, () => makeArtifact({ file, bytes, signal, onProgress: progress(name, bytes) }));
    return { file, stored };
  }

  async function bytesOf(place: string): Promise<number> {
    const { stdout } = await shell('du -sb "$PLACE" | cut -f1', { env: { PLACE: place }, signal });
    return Number(stdout);
  }

  async function madeCluster(name: string, bytes: number, binaries: Binaries) {
    const place = path.join(folder, `${name}-${binaries.major}`);
    const base = path.join(place, 'data', 'base');
    const facts = await cached(place, async () => {
      const onProgress = (table: string) => say(`making data: ${name}: ${table}`);
      await makeCluster({ folder: place, binaries, signal, bytes, onProgress });
      return { bytes: await bytesOf(base), ratio: await ratioOf(base) };
    });
    return { place, ...facts };
  }

  async function cluster(name: string, size: number): Promise<Database> {
    const binaries = await serverBinaries();
    const { place, ...facts } = await madeCluster(name, size, binaries);
    const server = await startCluster({ folder: place, binaries, signal });
    servers.push(server);
    return {
      ...facts,
      server,
      programs: binaries.folder,
      version: binaries.version,
      folder: path.join(place, 'data'),
      checkpoint: () => psql(binaries, server, ['-c', 'CHECKPOINT'], signal),
    };
  }

  async function ratioOf(place: string): Promise<number> {
    const command = 'tar -cf - -C "$PLACE" . | tee >(wc -c >&3) | zstd -3 -T0 -c | wc -c';
    const { stdout } = await shell(`{ ${command}; } 3>&1`, { env: { PLACE: place }, signal });
    const counts = stdout.trim().split(/\s+/).map(Number);
    return Math.max(...counts) / Math.min(...counts);
  }

  function progress(name: string, total: number): (bytes: number) => void {
    let next = 0;
    return (bytes) => {
      if (bytes < next) return;
      next += total / 10;
      say(`making data: ${name}: ${formatBytes(bytes)} of ${formatBytes(total)}`);
    };
  }
}

/** An empty folder for what is measured now, beside the data and so on the same file system. */
export async function workFolder(cache: string): Promise<string> {
  const folder = path.join(cache, 'work');
  // What a bench that was killed has left.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o755 });
  return folder;
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
