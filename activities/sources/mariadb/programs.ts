/** MariaDB's own programs on this machine. */
import { stat } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram } from '../../streams/run.ts';
import { seriesOf } from './facts.ts';

/** What each program said, by path, inode and time of change: an upgrade under a running worker is noticed. */
const known = new Map<string, string>();

/**
 * The release that a program is of: `10.11.19`. Clients print a version of their own first (`mariadb-dump  Ver 10.19
 * Distrib 10.11.19-MariaDB`), which says nothing. Fails with `missing-program`.
 */
export async function programRelease(command: string): Promise<string> {
  const file = locate(command);
  const { ino, mtimeMs } = await stat(file);
  const key = `${file} ${ino} ${mtimeMs}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const { stdout, stderr } = await runProgram({ command: file, args: ['--version'], cwd: '/' }, { timeout: 30_000 });
  const release = /(\d+\.\d+\.\d+)-MariaDB/.exec(`${stdout}\n${stderr}`)?.[1];
  if (release !== undefined) {
    known.set(key, release);
    return release;
  }
  throw new BackupError('program-failed', `${command} is not MariaDB's: it says "${stdout.split('\n')[0] ?? ''}"`, {
    remedy: 'Look which one comes first on the PATH of the worker.',
    facts: { program: command },
  });
}

/** The same; undefined where it is not on this machine. */
export async function installedRelease(command: string): Promise<string | undefined> {
  try {
    return await programRelease(command);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'missing-program') return undefined;
    throw error;
  }
}

/**
 * Refuses where the programs here are of another series than what was backed up: data folders fit one series only.
 * @throws BackupError `missing-program`, `refused`.
 */
export async function requireSeries(command: string, version: string): Promise<void> {
  const release = await programRelease(command);
  if (seriesOf(release) === seriesOf(version)) return;
  throw new BackupError(
    'refused',
    `The backup is of MariaDB ${seriesOf(version)}, and ${command} here is ${release}. Nothing was fetched.`,
    {
      remedy: `Restore on a machine with MariaDB ${seriesOf(version)} (packages mariadb-backup and mariadb-server), and upgrade it afterwards.`,
      facts: { program: command, here: release, backup: version },
    },
  );
}
