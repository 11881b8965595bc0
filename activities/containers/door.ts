/**
 * A socket on this machine that leads to a server inside a container: each connection is handed to a relay of its own.
 * So whatever speaks to a server by a socket speaks to one in a container, with no port published and no network shared;
 * the relays take over the connections themselves, and no byte passes through Node.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ifThere } from '../storage/fs-errors.ts';
import { commandLine, environment } from '../streams/programs.ts';
import type { Relay } from './relay.ts';

export interface Door {
  /** Folder of the socket, 0700. */
  readonly folder: string;
  /** Idempotent. Connections that are still open end. */
  close(): Promise<void>;
}

const PREFIX = 'mosaic-door-';

/** Opens one. @param name of the socket: what clients look for in the folder. */
export async function openDoor({ program }: Relay, name: string): Promise<Door> {
  await sweep();
  // Short, since the path of a socket has at most 107 bytes, and on no shared file system.
  const folder = await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
  const relays = new Set<ChildProcess>();
  const [command, ...args] = commandLine(program);

  function relay(connection: Socket): void {
    // The parent-death signal ends it with the worker. What it has to say of a failure, the server or its client says better.
    const child = spawn(command, args, {
      stdio: [connection, connection, 'ignore'],
      env: environment(program),
      cwd: '/',
    });
    relays.add(child);
    child.once('exit', () => relays.delete(child));
    // Where it cannot be started the connection ends, and the client says so.
    child.once('error', () => relays.delete(child));
    connection.destroy();
  }

  const listener = createServer({ pauseOnConnect: true }, relay);
  listener.listen(path.join(folder, name));
  await once(listener, 'listening');
  return {
    folder,
    async close() {
      listener.close();
      await Promise.all([...relays].map(ended));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

/** Removes the folders of processes that were killed: a name holds the process's id. */
async function sweep(): Promise<void> {
  const uid = process.getuid?.();
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    const folder = path.join(tmpdir(), name);
    // Another sweep may have been quicker.
    const found = await ifThere(stat(folder));
    if (found?.uid === uid) await rm(folder, { recursive: true, force: true });
  }
}
