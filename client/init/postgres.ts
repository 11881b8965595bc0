/** PostgreSQL servers that run on this machine. */
import { readFile, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../../activities/streams/run.ts';
import { BackupError } from '../../model/errors.ts';
import type { FoundPostgres } from './found.ts';

export interface Surroundings {
  /** The kernel's list of listening sockets. */
  readonly unixSockets: string;
  /** Folders in which each folder may be a data folder: `<parent>/<version>/<name>`. */
  readonly dataParents: readonly string[];
  /** Asks Debian's own list as well. */
  readonly clusters: boolean;
}

const THIS_MACHINE: Surroundings = {
  unixSockets: '/proc/net/unix',
  dataParents: ['/var/lib/postgresql', '/var/lib/pgsql'],
  clusters: true,
};

/** Every server once, sockets preferred: the least-privilege role logs in there without a password. */
export async function findPostgres(at: Surroundings = THIS_MACHINE): Promise<readonly FoundPostgres[]> {
  const found = [
    ...(await bySockets(at.unixSockets)),
    ...(await byPidFiles(at.dataParents)),
    ...(at.clusters ? await byClusters() : []),
  ];
  const byPort = new Map<string, FoundPostgres>();
  for (const server of found) {
    const key = server.host.startsWith('/') ? `${server.host}:${server.port}` : `:${server.port}`;
    // TCP only where no socket of that port is known.
    const known =
      byPort.has(key) ||
      (!server.host.startsWith('/') && [...byPort.values()].some(({ port }) => port === server.port));
    if (!known) byPort.set(key, server);
  }
  return [...byPort.values()].toSorted((a, b) => a.port - b.port || a.host.localeCompare(b.host));
}

async function bySockets(list: string): Promise<readonly FoundPostgres[]> {
  const lines = (await textOf(list)).split('\n');
  const sockets = lines.flatMap((line) => {
    const match = /\s(\/\S.*)\/\.s\.PGSQL\.(\d+)$/.exec(line);
    return match?.[1] && match[2] ? [{ host: match[1], port: Number(match[2]) }] : [];
  });
  const real = await Promise.all(
    sockets.map(async ({ host, port }) => ({
      type: 'postgres' as const,
      host: await realOr(host),
      port,
      by: 'its socket',
    })),
  );
  // A server with several socket folders is one server all the same; the first of each folder counts.
  return [...new Map(real.map((server) => [`${server.host}:${server.port}`, server])).values()];
}

async function byPidFiles(parents: readonly string[]): Promise<readonly FoundPostgres[]> {
  const folders = await Promise.all(parents.map((parent) => foldersBelow(parent, 2)));
  const texts = await Promise.all(folders.flat().map((folder) => textOf(path.join(folder, 'postmaster.pid'))));
  return texts.flatMap((text) => {
    const [pid = '', , , port = '', socket = ''] = text.split('\n').map((line) => line.trim());
    if (!isAlive(Number(pid)) || !/^\d+$/.test(port)) return [];
    return [
      { type: 'postgres', host: socket === '' ? 'localhost' : socket, port: Number(port), by: 'its postmaster.pid' },
    ];
  });
}

/** Debian's list, where the program for it is here. */
async function byClusters(): Promise<readonly FoundPostgres[]> {
  try {
    const { stdout } = await runProgram({ command: 'pg_lsclusters', args: ['--no-header'] }, { timeout: 10_000 });
    return stdout.split('\n').flatMap((line) => {
      const [, , port = '', status = ''] = line.trim().split(/\s+/);
      return /^\d+$/.test(port) && status.startsWith('online')
        ? [{ type: 'postgres' as const, host: 'localhost', port: Number(port), by: 'pg_lsclusters' }]
        : [];
    });
  } catch (error) {
    // Another distribution, or a list that cannot be read: the other ways remain.
    if (error instanceof BackupError) return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function foldersBelow(parent: string, depth: number): Promise<readonly string[]> {
  if (depth === 0) return [];
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => path.join(parent, entry.name));
  return [...folders, ...(await Promise.all(folders.map((folder) => foldersBelow(folder, depth - 1)))).flat()];
}

/** Empty where it is not there or closed to us: then this way finds nothing. */
function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function realOr(folder: string): Promise<string> {
  return realpath(folder).catch(() => folder);
}
