/** Programs that look at what was restored: cut off from everything else, without any right but to read. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isWithin } from '../../../model/config/folders.ts';
import { BackupError } from '../../../model/errors.ts';
import { allowedHere, enclosedBy, type Enclosed, type Enclosing } from '../../sources/private-server/enclosure.ts';
import type { Service } from '../../sources/service.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { locate } from '../../streams/locate.ts';
import type { Program } from '../../streams/types.ts';

export interface Sandboxed {
  readonly command: readonly [string, ...string[]];
  readonly restored: string;
  readonly service: Service | null;
  /** Folders that it may write to besides a /tmp of its own. */
  readonly writable?: readonly string[];
  /** All that is in its environment, besides PATH and a language. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A program in the sandbox, which ends with all that it started. Nothing of the worker's environment, where secrets may be, is passed on.
 * @throws BackupError `refused` where this machine allows no sandbox.
 */
export async function sandboxed({ command, restored, service, writable = [], env }: Sandboxed): Promise<Program> {
  const own = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: '/tmp', TMPDIR: '/tmp', ...env };
  const seen = [restored, ...(await foldersIn(env))];
  const visible = seen.filter((folder) => !writable.some((other) => isWithin(folder, other)));
  const { prefix, privileges } = service?.inside ?? (await wholly({ writable, visible }));
  const [first = '', ...args] = [
    ...prefix,
    ...ownProcesses(),
    ...(await lookingArguments(restored, service)),
    ...privileges,
    '--',
    ...command,
  ];
  return { command: first, args, cwd: '/', env: onlyThese(own) };
}

/** @throws BackupError `refused` where this machine allows less than all of it: what looks could reach production. */
export async function wholly(enclosed: Enclosed): Promise<Enclosing> {
  const enclosing = await enclosedBy(enclosed);
  if (enclosing.cut === 'all') return enclosing;
  const { why } = await allowedHere();
  throw new BackupError(
    'refused',
    `what is run could reach production: this machine allows no namespace for it (${why ?? 'it does not say why'})`,
    { remedy: 'Let the worker have namespaces: docs/restore-tests.md, "Cut off from production".' },
  );
}

/** All that a program starts ends with it, also what has left its group. It stands behind what encloses it, which gives the right to it. */
export function ownProcesses(): readonly [string, ...string[]] {
  return [locate('unshare'), '--pid', '--fork', '--kill-child=KILL', '--'];
}

/**
 * The setpriv of whoever looks. Beside a database it is the user that this runs as, whom its socket lets in; else root without any right of root's but
 * to read: whatever was restored can be looked at, whoever it is of. (As nobody with that right access(2) would say no, and git believes it.) A worker
 * that is not root is who it is.
 */
export async function lookingArguments(restored: string, service: Service | null): Promise<readonly string[]> {
  const ends = [locate('setpriv'), '--pdeathsig', 'KILL', '--no-new-privs'];
  if (process.getuid?.() !== 0) return ends;
  const { uid, gid } = await stat(restored);
  const ofDatabase = service !== null && service.inside === undefined && uid !== 0;
  if (!ofDatabase) return [...ends, '--inh-caps=-all', '--bounding-set=-all,+dac_read_search', '--clear-groups'];
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return [...ends, ...user, '--inh-caps=-all', '--bounding-set=-all'];
}

/** What is named in the environment must be seen: a folder, or the one of a socket. */
async function foldersIn(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const named = Object.values(env).filter((value) => path.isAbsolute(value));
  const folders = await Promise.all(
    named.map(async (place) => {
      // What is not there cannot be seen; what cannot be looked at is told.
      const found = await ifThere(stat(place));
      if (!found) return [];
      return [found.isDirectory() ? place : path.dirname(place)];
    }),
  );
  return folders.flat();
}

/** `runProgram` adds to the worker's environment: all of that is taken out. */
function onlyThese(env: Readonly<Record<string, string>>): Readonly<Record<string, string | undefined>> {
  const none = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  return { ...none, ...env };
}
