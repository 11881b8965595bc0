/** Which processes use a data folder: those that stand in it, or have a file in it open. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../storage/fs-errors.ts';

export interface UsingProcess {
  readonly pid: number;
  readonly name: string;
}

/** Reasons for which a process tells nothing: it ended meanwhile, or is another user's. */
const SILENT = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

/**
 * Processes of other users are seen by root only. A database server stands in its data folder; in a container too, where
 * it calls the folder otherwise: so the folder is compared by itself, not by its name.
 * @param folder none where it does not exist.
 */
export async function processesUsing(folder: string): Promise<readonly UsingProcess[]> {
  const place = await stat(folder).catch(silent);
  if (!place) return [];
  const pids = await otherProcesses();
  const found = await Promise.all(pids.map((pid) => uses(pid, folder, place)));
  return Promise.all(
    pids.filter((_pid, index) => found[index]).map(async (pid) => ({ pid: Number(pid), name: await nameOf(pid) })),
  );
}

interface Place {
  readonly dev: number;
  readonly ino: number;
}

async function stands(pid: string, place: Place): Promise<boolean> {
  const cwd = await stat(`/proc/${pid}/cwd`).catch(silent);
  return cwd !== undefined && cwd.dev === place.dev && cwd.ino === place.ino;
}

async function uses(pid: string, folder: string, place: Place): Promise<boolean> {
  if (await stands(pid, place)) return true;
  const open = (await readdir(`/proc/${pid}/fd`).catch(silent)) ?? [];
  for (const name of open) {
    const target = await readlink(`/proc/${pid}/fd/${name}`).catch(silent);
    if (target !== undefined && target.startsWith(folder + path.sep)) return true;
  }
  return false;
}

async function otherProcesses(): Promise<readonly string[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

async function nameOf(pid: string): Promise<string> {
  return ((await readFile(`/proc/${pid}/comm`, 'utf8').catch(silent)) ?? '?').trim();
}

function silent(error: unknown): undefined {
  const errno = errnoOf(error);
  if (errno !== undefined && SILENT.has(errno)) return undefined;
  throw error;
}

/** Whether one of a server's own processes is among them: an operator's shell that stands in the folder is none. */
export async function serverRuns(folder: string, programs: readonly string[]): Promise<boolean> {
  return (await processesUsing(folder)).some(({ name }) => programs.includes(name));
}

/**
 * Whether one of them stands in this very folder. Names of open files do not count: those of a process in a container are
 * its own, and the same path here may be another folder.
 */
export async function serverStands(folder: string, programs: readonly string[]): Promise<boolean> {
  const place = await stat(folder).catch(silent);
  if (!place) return false;
  for (const pid of await otherProcesses())
    if (programs.includes(await nameOf(pid)) && (await stands(pid, place))) return true;
  return false;
}

/** `postgres (1234), postgres (1235)` */
export function listOf(processes: readonly UsingProcess[]): string {
  const shown = processes.slice(0, 5).map(({ pid, name }) => `${name} (${pid})`);
  return `${shown.join(', ')}${processes.length > shown.length ? ', …' : ''}`;
}
