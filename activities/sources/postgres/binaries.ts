/** PostgreSQL's own programs: where those of a major version are, on this machine or in a sandbox. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import { runProgram } from '../../streams/run.ts';
import type { Program } from '../../streams/types.ts';
import { PROCESSES } from '../private-server/processes.ts';
import type { ContainerSandbox, Sandbox, WorksAs } from '../private-server/sandbox.ts';

export interface Binaries {
  readonly folder: string;
  readonly major: number;
  /** `15.18` */
  readonly version: string;
  /** Where they are; absent: on this machine. */
  readonly sandbox?: Sandbox | undefined;
}

/** Folders that hold one folder of programs a major version, by packager. */
const FAMILIES = [
  // Debian, Ubuntu, PGDG for apt
  { parent: '/usr/lib/postgresql', name: /^(\d+)$/, bin: 'bin' },
  // PGDG for yum
  { parent: '/usr', name: /^pgsql-(\d+)$/, bin: 'bin' },
  // Alpine
  { parent: '/usr/libexec', name: /^postgresql(\d+)$/, bin: '' },
] as const;

/**
 * Finds the programs of a major version, or of a newer one where `newer` is allowed (clients of a newer major
 * can back up an older server). `hint` is the config's `binaries`.
 */
export async function findBinaries(
  major: number,
  {
    program,
    hint,
    newer = false,
    sandbox,
  }: {
    readonly program: string;
    readonly hint?: string | undefined;
    readonly newer?: boolean;
    /** Those of a container are looked for there alone. */
    readonly sandbox?: Sandbox | undefined;
  },
): Promise<Binaries | undefined> {
  if (sandbox && sandbox.image !== null) return findInside(sandbox, major, program);
  const found: Binaries[] = [];
  for (const folder of [...(hint === undefined ? [] : [hint]), ...(await candidates())]) {
    const binaries = await look(folder, program);
    if (!binaries) continue;
    if (binaries.major === major) return binaries;
    if (newer && binaries.major > major) found.push(binaries);
  }
  return found.toSorted((a, b) => a.major - b.major)[0];
}

/** As images have them: PostgreSQL's own (Debian and Alpine), and those of packagers. */
const INSIDE = ['/usr/lib/postgresql/*/bin', '/usr/local/bin', '/usr/pgsql-*/bin', '/usr/libexec/postgresql*'] as const;

async function findInside(sandbox: ContainerSandbox, major: number, program: string): Promise<Binaries | undefined> {
  for (const { folder, printed } of await sandbox.find(program, INSIDE)) {
    const found = versionIn(printed);
    if (found?.major === major) return { folder, ...found, sandbox };
  }
  return undefined;
}

/** One of the programs, to be run where they are. */
export function programOf(
  { folder, sandbox = PROCESSES }: Pick<Binaries, 'folder' | 'sandbox'>,
  name: string,
  { as = 'worker', ...rest }: Omit<Program, 'command'> & { readonly as?: WorksAs },
): Program {
  return sandbox.program({ command: path.join(folder, name), ...rest }, as);
}

/** @throws BackupError `missing-program` with the package to install. */
export async function requireBinaries(major: number, options: Parameters<typeof findBinaries>[1]): Promise<Binaries> {
  const found = await findBinaries(major, options);
  if (found) return found;
  const image = options.sandbox?.image ?? null;
  const where = image === null ? 'on this machine' : `in the image ${image}`;
  throw new BackupError('missing-program', `${options.program} of PostgreSQL ${major} is not ${where}`, {
    remedy:
      image === null
        ? installRemedy(major, options.program)
        : `Set plans.restoreTest.sandbox to process, and on this machine: ${installRemedy(major, options.program)}`,
    facts: { program: options.program, major },
  });
}

/** Programs that packagers put beside the server. Its package brings the client's along. */
const SERVERS: ReadonlySet<string> = new Set([
  'postgres',
  'initdb',
  'pg_controldata',
  'pg_waldump',
  'pg_combinebackup',
]);

/** The package of a program of a major version. */
export function packageOf(major: number, program: string): string {
  return SERVERS.has(program) ? `postgresql-${major}` : `postgresql-client-${major}`;
}

/** What to install for a program of a major version. */
export function installRemedy(major: number, program: string): string {
  return `apt-get install ${packageOf(major, program)} (from apt.postgresql.org where the distribution lacks it), or set the source's "binaries" to the folder that has ${program}.`;
}

/** Whether a folder of programs has one of them. */
export function hasProgram(
  { folder, sandbox = PROCESSES }: Pick<Binaries, 'folder' | 'sandbox'>,
  program: string,
): Promise<boolean> {
  return sandbox.has(path.join(folder, program));
}

async function candidates(): Promise<readonly string[]> {
  const families = await Promise.all(
    FAMILIES.map(async ({ parent, name, bin }) =>
      (await entries(parent)).filter((entry) => name.test(entry)).map((entry) => path.join(parent, entry, bin)),
    ),
  );
  const search = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return [...families.flat(), '/usr/local/pgsql/bin', ...search];
}

async function entries(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch {
    // Another packager's place: not there on this machine.
    return [];
  }
}

async function look(folder: string, program: string): Promise<Binaries | undefined> {
  if (!(await hasProgram({ folder }, program))) return undefined;
  const found = versionIn(await versionOf(path.join(folder, program)));
  return found && { folder, ...found };
}

/** What `--version` prints: "pg_basebackup (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "… 18beta1". */
export function versionIn(printed: string): Omit<Binaries, 'folder'> | undefined {
  const match = /\(PostgreSQL\)\s+((\d+)[.\w]*)/.exec(printed);
  return match?.[1] ? { version: match[1], major: Number(match[2]) } : undefined;
}

/** A program that cannot even say its version is as good as none: another folder may have one. */
function unusable(error: unknown): { readonly stdout: string } {
  if (error instanceof BackupError && error.code === 'program-failed') return { stdout: '' };
  throw error;
}

/** What each program printed, by path and time of change: an upgrade under a running worker is noticed. */
const printed = new Map<string, string>();

async function versionOf(command: string): Promise<string> {
  const { mtimeMs, size } = await stat(command);
  const key = `${command} ${mtimeMs} ${size}`;
  const known = printed.get(key);
  if (known !== undefined) return known;
  const { stdout } = await runProgram({ command, args: ['--version'], cwd: '/' }).catch(unusable);
  printed.set(key, stdout);
  return stdout;
}
