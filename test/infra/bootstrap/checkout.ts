/** A checkout of a test's own: the bootstrap as it is, beside little else, so that every state of a machine can be made. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../support/folders.ts';

const BOOTSTRAP = fileURLToPath(new URL('../../../infra/bootstrap', import.meta.url));
const LOCK = '{"lockfileVersion":3,"packages":{"":{}}}';
/** What the bootstrap itself calls, of the machine's programs. No package manager and no sudo is among them. */
const TOOLS =
  'sh dirname flock id sha256sum sort tr mkdir uname sed grep paste cat printf mv rm mktemp chmod tail head ' +
  'age zstd tar setpriv perl getfacl getfattr jq openssl redis-cli redis-server ' +
  'mariadb mariadb-backup mariadbd ssh rsync sshd';

export interface Checkout {
  readonly root: string;
  /** A folder with a few programs only, to be the whole PATH. */
  readonly path: string;
  /** Adds a need that nothing on the machine meets. */
  lack(program: string, packageName: string): Promise<void>;
  /** Adds a program to `path`. */
  program(name: string, script: string): Promise<void>;
  start(args: readonly string[], options?: StartOptions): ChildProcess;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
}

export interface StartOptions {
  /** Start as this user, who owns nothing. */
  readonly uid?: number;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** A checkout that is set up: its lock file names no packages, its Node is the one that runs the tests. */
export async function makeCheckout(): Promise<Checkout> {
  const root = await temporaryFolder();
  const bootstrap = path.join(root, 'infra', 'bootstrap');
  const programs = path.join(root, 'programs');
  const modules = path.join(root, 'node_modules');
  await cp(BOOTSTRAP, bootstrap, { recursive: true });
  await Promise.all([mkdir(modules), mkdir(programs), mkdir(path.join(root, 'cache'), { mode: 0o777 })]);
  await chmod(path.join(root, 'cache'), 0o777);
  await writeFile(path.join(root, 'package-lock.json'), LOCK);
  await writeFile(path.join(modules, '.package-lock.json'), LOCK);
  await writeFile(path.join(modules, '.mosaic-backup-stamp'), stampOf(LOCK));
  for (const tool of TOOLS.split(' ')) await link(programs, tool);
  await symlink(process.execPath, path.join(programs, 'node'));

  function start(args: readonly string[], { uid, env = {} }: StartOptions = {}): ChildProcess {
    const command = ['sh', path.join(bootstrap, 'run.sh'), ...args];
    const [program = '', ...rest] =
      uid === undefined ? command : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--', ...command];
    return spawn(program, rest, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: programs,
        XDG_CACHE_HOME: path.join(root, 'cache'),
        TEMPORAL_CLI: '/bin/true',
        VERSITYGW: '/bin/true',
        ...env,
      },
    });
  }

  return {
    root,
    path: programs,
    start,
    lack: async (program, packageName) => {
      const needs = path.join(bootstrap, 'needs.txt');
      await writeFile(needs, `client ${program} ${packageName} makes coffee\n${await readFile(needs, 'utf8')}`);
    },
    program: async (name, script) => {
      await writeFile(path.join(programs, name), script, { mode: 0o755 });
    },
    run: (args, options) => ended(start(args, options)),
  };
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const started = performance.now();
  const [stdout, stderr, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr, milliseconds: performance.now() - started };
}

/** The stamp that a finished set-up leaves in node_modules. */
export function stampOf(lock: string): string {
  return `${createHash('sha256').update(lock).digest('hex')}\n${process.execPath}\n`;
}

async function link(folder: string, tool: string): Promise<void> {
  for (const place of ['/usr/bin', '/bin', '/usr/sbin']) {
    const program = path.join(place, tool);
    if (!existsSync(program)) continue;
    await symlink(program, path.join(folder, tool));
    return;
  }
  throw new Error(`${tool} is not on this machine; install it as infra/bootstrap/needs.txt says`);
}
