/**
 * A container as a sandbox: no network but its own loopback, no capability, no way to more rights, nothing writable but
 * what was restored and its own memory, and limits of that and of the processors. Programs run in it by `docker exec`.
 *
 * No parent-death signal crosses dockerd. So its first process reads an input that this process alone holds open: when
 * the worker dies, however it does, Docker closes that input, the first process ends, the kernel ends all others of the
 * container with it, and Docker removes it. What dies before the input is held the sweep removes (sweep.ts).
 */
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type Docker from 'dockerode';
import { BackupError } from '../../../model/errors.ts';
import { holderTag, thisHolder } from '../../storage/holder.ts';
import { socketFolder } from '../../storage/socket-folder.ts';
import type { ContainerSandbox } from '../../sources/private-server/sandbox.ts';
import type { ServerUser } from '../../sources/private-server/user.ts';
import type { Container } from '../container.ts';
import { dockerAt, dockerError, patientDockerAt, refusalOf } from '../docker.ts';
import type { LocalImage } from './local-image.ts';
import { runningIn } from './running.ts';

/** The label by which a sandbox is found: `<site>/<host>/<holder>`. */
export const LABEL = 'mosaic-backup.sandbox';

export interface SandboxOptions {
  readonly image: LocalImage;
  /** The folders in which is worked; they have the same paths inside, and nothing else of this machine is there. The first may be written to. */
  readonly folders: readonly [string, ...string[]];
  /** The user of servers; undefined: this process's own. */
  readonly user: ServerUser | undefined;
  /** Whose it is: `<site>/<host>`. */
  readonly owner: string;
  /** Bytes; without swap. */
  readonly memory: number;
  readonly cpus: number;
  /** Docker's. */
  readonly socket: string;
}

export interface OpenSandbox {
  readonly sandbox: ContainerSandbox;
  /** Ends all that runs in it and removes it. Idempotent. */
  close(): Promise<void>;
}

/** Sockets must have short paths: this folder of them is inside too. */
const SOCKETS = 'mosaic-sandbox-';
/** More than any server and its programs need. */
const MOST_PROCESSES = 512;

/** @throws BackupError `missing-program` where Docker does not start it, or does not see the first folder as we do. */
export async function openSandbox(options: SandboxOptions): Promise<OpenSandbox> {
  const { image, folders, user, socket } = options;
  const sockets = await socketFolder(SOCKETS);
  if (user) await chown(sockets, user.uid, user.gid);
  await chmod(sockets, 0o711);
  const docker = dockerAt(socket);
  let made: Docker.Container | undefined;
  let held: NodeJS.ReadWriteStream | undefined;
  const close = async (): Promise<void> => {
    // Else the connection would keep a process that has nothing more to do.
    held?.end();
    if (made) await removeContainer(made, socket);
    await rm(sockets, { recursive: true, force: true });
  };
  try {
    made = await docker.createContainer(settingsOf(options, sockets));
    let holding = true;
    held = await patientDockerAt(socket).getContainer(made.id).attach({ stream: true, stdin: true, hijack: true });
    for (const end of ['error', 'end', 'close']) held.on(end, () => void (holding = false));
    // Nothing comes, but only what is read comes to its end.
    held.resume();
    await made.start();
    const name = `sandbox of ${image.name}`;
    const container: Container = {
      id: made.id,
      name,
      image: { name: image.name, digest: image.id },
      user: undefined,
      runsAs: 'root',
      socket,
    };
    const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const sandbox = runningIn({
      container,
      image: image.name,
      users: { worker: own, server: user ?? own },
      sockets,
      held: () => holding,
    });
    await requireSameFolder(sandbox, folders[0]);
    return { sandbox, close };
  } catch (error) {
    await close();
    // A program that failed here says nothing of a backup, which its code would.
    if (error instanceof BackupError && error.code !== 'program-failed') throw error;
    const { message, remedy } = dockerError(error, socket);
    throw new BackupError('missing-program', `No container of ${image.name} starts: ${message}`, {
      ...(remedy === undefined ? {} : { remedy }),
      cause: error,
    });
  }
}

function settingsOf(options: SandboxOptions, sockets: string): Docker.ContainerCreateOptions {
  const { image, folders, owner, memory, cpus } = options;
  return {
    name: `mosaic-sandbox-${randomUUID()}`,
    Image: image.id,
    // It waits for a line that never comes, or for the end.
    Entrypoint: ['sh', '-c', 'read -r line; exit 0'],
    Cmd: [],
    User: '65534:65534',
    WorkingDir: '/',
    Labels: { [LABEL]: `${owner}/${holderTag(thisHolder())}` },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: false,
    AttachStderr: false,
    // An image's own check of its health would go on knocking at a server that is not there.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      AutoRemove: true,
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      Tmpfs: Object.fromEntries(['/tmp', '/run', ...image.volumes].map((each) => [each, 'mode=1777'])),
      Mounts: [...folders, sockets].map((each) => ({ Type: 'bind', Source: each, Target: each })),
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Memory: memory,
      MemorySwap: memory,
      // Counts as memory; Docker's own 64 MB are too few for queries that work in parallel.
      ShmSize: memory,
      // Docker refuses more than there are.
      NanoCpus: Math.round(Math.min(cpus, availableParallelism()) * 1e9),
      PidsLimit: MOST_PROCESSES,
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

/** A worker in a container of its own, or a Docker elsewhere, calls another folder by that path. */
async function requireSameFolder(sandbox: ContainerSandbox, folder: string): Promise<void> {
  const mark = path.join(folder, `mosaic-mark-${randomUUID()}`);
  await mkdir(mark);
  const program = path.join(mark, 'here');
  try {
    await writeFile(program, '#!/bin/sh\n', { mode: 0o755 });
    if (await sandbox.has(program)) return;
  } finally {
    await rm(mark, { recursive: true });
  }
  throw new BackupError(
    'missing-program',
    `No container sees what is restored in ${folder}: Docker has another folder there`,
    {
      remedy:
        'Let plans.restoreTest.scratch be a folder that has the same path here and on the machine where Docker runs (for a worker in a container: a bind mount), or set sandbox: process.',
      facts: { folder },
    },
  );
}

/** Ends all that runs in it. */
export async function removeContainer(container: Docker.Container, socket: string): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    // 404: it is gone; 409: it has ended, and is going by itself.
    const refusal = refusalOf(error);
    if (refusal !== 404 && refusal !== 409) throw dockerError(error, socket);
  }
}
