/**
 * A Docker Engine of a test's own: a private daemon without network, and an image made of this machine's files, since
 * nothing can be pulled. Needs root, and Debian's docker.io; nothing of it is left behind.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runProgram } from '../../activities/streams/run.ts';
import { temporaryFolder } from './folders.ts';
import { until } from './until.ts';

export interface TestDocker {
  readonly socket: string;
  /** Runs the `docker` program against this daemon: its stdout. */
  docker(...args: readonly string[]): Promise<string>;
  /** All that a container has printed. */
  logs(container: string): Promise<string>;
  /** Makes an image of files of this machine, and of files with their text. */
  image(name: string, contents: ImageContents): Promise<void>;
  /** Ends containers and daemon, and unmounts what they have mounted. */
  stop(): Promise<void>;
}

export interface ImageContents {
  /** Programs of this machine, by path; their libraries come along. */
  readonly programs: readonly string[];
  /** Further files and folders of this machine. */
  readonly files?: readonly string[];
  /** Written into it: text by path. */
  readonly written?: Readonly<Record<string, string>>;
  /** Lines of a Dockerfile: `ENV PATH=…`. */
  readonly settings?: readonly string[];
}

/** Programs that every image of a database has: a shell and what its scripts call. */
export const SHELL: readonly string[] = [
  '/bin/sh',
  '/bin/cat',
  '/bin/grep',
  '/bin/sleep',
  '/bin/cp',
  '/bin/rm',
  '/bin/chown',
  '/bin/mkdir',
  '/usr/bin/env',
  '/usr/bin/setpriv',
];

/** Starts a daemon in a new folder. */
export async function startDocker(): Promise<TestDocker> {
  // Short: containerd's sockets are below it, and a path of a socket has at most 107 bytes.
  const folder = await temporaryFolder();
  const socket = path.join(folder, 'docker.sock');
  const log = path.join(folder, 'log');
  const daemon = startDaemon(folder, socket, log);

  async function docker(...args: readonly string[]): Promise<string> {
    const { stdout } = await runProgram({
      command: 'docker',
      args,
      env: { DOCKER_HOST: `unix://${socket}` },
      cwd: '/',
    });
    return stdout;
  }
  async function logs(container: string): Promise<string> {
    const printed = await runProgram({
      command: 'docker',
      args: ['logs', container],
      env: { DOCKER_HOST: `unix://${socket}` },
      cwd: '/',
    });
    return `${printed.stdout}\n${printed.stderr}`;
  }
  async function stop(): Promise<void> {
    // Killed, not asked: a database in a test's container has nothing to lose, and takes its time.
    const all = (await docker('ps', '--all', '--quiet').catch(() => '')).split('\n').filter((id) => id !== '');
    if (all.length > 0) await docker('rm', '--force', '--volumes', ...all);
    if (daemon.exitCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await ended;
    }
    for (const mounted of mountsBelow(folder)) execFileSync('umount', ['--lazy', mounted]);
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await until('the socket of the Docker Engine', () => {
      if (daemon.exitCode !== null || daemon.signalCode !== null) throw new Error(whyNot(log));
      return existsSync(socket);
    });
    await until('an answer of the Docker Engine', () =>
      docker('version').then(
        () => true,
        () => false,
      ),
    );
    return { socket, docker, logs, image: (name, contents) => makeImage({ name, contents, folder, docker }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startDaemon(folder: string, socket: string, log: string): ChildProcess {
  const args = [
    `--data-root=${path.join(folder, 'data')}`,
    `--exec-root=${path.join(folder, 'exec')}`,
    `--pidfile=${path.join(folder, 'pid')}`,
    `--host=unix://${socket}`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    '--ip-forward=false',
    '--ip-masq=false',
  ];
  return spawn('setpriv', ['--pdeathsig', 'TERM', '--', 'sh', '-c', 'exec dockerd "$@" >"$0" 2>&1', log, ...args], {
    stdio: 'ignore',
  });
}

function whyNot(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return `The Docker Engine does not start here; it needs root with all capabilities, and Debian's docker.io ("sh infra/bootstrap/run.sh setup test" installs it). It said: ${lines.slice(-5).join('\n')}`;
}

/** The deepest first. */
function mountsBelow(folder: string): readonly string[] {
  const mounted = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return mounted
    .filter((place) => place.startsWith(`${folder}/`))
    .toSorted()
    .toReversed();
}

interface Making {
  readonly name: string;
  readonly contents: ImageContents;
  readonly folder: string;
  readonly docker: TestDocker['docker'];
}

async function makeImage({ name, contents, folder, docker }: Making): Promise<void> {
  const { programs, files = [], written = {}, settings = [] } = contents;
  const root = path.join(folder, 'image');
  await mkdir(root);
  for (const [file, text] of Object.entries(written)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
  const libraries = (await Promise.all(programs.map(librariesOf))).flat();
  // Nothing twice: Docker refuses an archive with duplicates.
  const single = [...programs, ...libraries].filter((file) => !files.some((folder) => file.startsWith(`${folder}/`)));
  const all = [...new Set([...single, ...files])].map((file) => file.slice(1));
  const archive = path.join(folder, 'image.tar');
  // Links are followed: where this machine has /bin as a link, the image has a folder.
  await runProgram({ command: 'tar', args: ['-C', '/', '--hard-dereference', '-chf', archive, '--', ...all] });
  await runProgram({ command: 'tar', args: ['-C', root, '-rf', archive, '.'] });
  await docker('import', ...settings.flatMap((line) => ['--change', line]), archive, name);
  await rm(archive);
  await rm(root, { recursive: true });
}

/** As the dynamic linker finds them; a script has none. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await runProgram({ command: 'ldd', args: [program], accept: [1] });
  return [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].flatMap(([, library]) =>
    library === undefined ? [] : [path.normalize(library)],
  );
}

/** The processes of a container, as this machine sees them: arguments of each. */
export async function processesIn(
  { docker }: Pick<TestDocker, 'docker'>,
  container: string,
): Promise<readonly string[]> {
  return (await docker('top', container, '-o', 'pid,args'))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(/^\d+\s+/, ''));
}
