/** The data that everything is measured on: made when first asked for, kept for the next run. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PrivateServer } from '../../../activities/sources/postgres/server.ts';
import { formatBytes } from '../../../model/units.ts';
import { shell } from '../shell.ts';
import { cached } from './cache.ts';
import { makeCluster, psql, serverBinaries, startCluster } from './database.ts';
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

export interface Data {
  tree(): Promise<Tree>;
  postgres(): Promise<Database>;
  /** An empty cluster, for runs over tiny sources. */
  emptyPostgres(): Promise<Database>;
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
    tree,
    postgres,
    emptyPostgres,
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

  async function cluster(name: string, bytes: number): Promise<Database> {
    const binaries = await serverBinaries();
    const place = path.join(folder, `${name}-${binaries.major}`);
    const base = path.join(place, 'data', 'base');
    const options = { folder: place, binaries, signal };
    const facts = await cached(place, async () => {
      await makeCluster({ ...options, bytes, onProgress: (table) => say(`making data: ${name}: ${table}`) });
      const { stdout } = await shell('du -sb "$BASE" | cut -f1', { env: { BASE: base }, signal });
      return { bytes: Number(stdout), ratio: await ratioOf(base) };
    });
    const server = await startCluster(options);
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
