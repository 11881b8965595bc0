/** The unprivileged user that private servers run as, and that owns what is restored: no database server runs as root. */
import { access, constants, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import type { WorksAs } from './sandbox.ts';

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * The first of these users that this machine has; undefined when this process is not root and stays itself.
 * @throws BackupError `refused` where it has none.
 */
export async function serverUserOf(
  engine: string,
  names: readonly [string, ...string[]],
): Promise<ServerUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const wanted of names) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new BackupError(
    'refused',
    `A private ${engine} server does not run as root, and this machine has no user for it`,
    {
      remedy: `Make one: useradd --system --no-create-home ${names[0]}`,
    },
  );
}

/** Arguments of setpriv(1), by which root becomes him for good. */
export function becoming({ uid, gid }: ServerUser): readonly string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
}

/** Gives a folder and all in it to the user of the server. Links are changed themselves, never followed. */
export async function giveTo(user: ServerUser | undefined, folder: string, signal: AbortSignal): Promise<void> {
  if (!user) return;
  const args = ['-R', '-h', '-P', `${user.uid}:${user.gid}`, '--', folder];
  await runProgram({ command: 'chown', args }, { signal });
}

/** Whose a restored file or folder is by now. */
export async function holderOf(file: string): Promise<WorksAs> {
  return (await stat(file)).uid === process.getuid?.() ? 'worker' : 'server';
}

/** @throws BackupError `refused` where the user of the server may not pass a folder on the way to its data. */
export async function requireReach(engine: string, user: ServerUser | undefined, data: string): Promise<void> {
  const closed = await closedOnTheWay(user, data);
  if (closed === undefined) return;
  throw new BackupError('refused', `A private ${engine} server cannot reach ${data}: its user may not pass ${closed}`, {
    remedy: `Choose another folder, or let others pass through: chmod o+x ${closed}`,
    facts: { folder: closed },
  });
}

/** The first folder on the way to a place that the server's user may not pass; undefined when all is open. */
export async function closedOnTheWay(user: ServerUser | undefined, place: string): Promise<string | undefined> {
  for (const folder of parents(place)) {
    if (!(await passable(user, folder))) return folder;
  }
  return undefined;
}
function parents(place: string): readonly string[] {
  const parent = path.dirname(path.resolve(place));
  return parent === '/' ? ['/'] : [...parents(parent), parent];
}

async function passable(user: ServerUser | undefined, folder: string): Promise<boolean> {
  if (!user) {
    return access(folder, constants.X_OK).then(
      () => true,
      () => false,
    );
  }
  const { mode, uid, gid } = await stat(folder);
  if (uid === user.uid) return (mode & 0o100) !== 0;
  return (mode & (gid === user.gid ? 0o010 : 0o001)) !== 0;
}
