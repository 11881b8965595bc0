/**
 * A socket on this machine that leads to a server inside a container: each connection is handed to a relay of its own.
 * So whatever speaks to a server by a socket speaks to one in a container, with no port published and no network shared;
 * the relays take over the connections themselves, and no byte passes through Node.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { socketFolder } from '../storage/socket-folder.ts';
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
  const folder = await socketFolder(PREFIX);
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
