/** Connections that are shared by all that happens at one server in this process, and closed when nothing does any more. */
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { aborted } from '../../streams/pipeline.ts';
import { openLink, type Link, type OpenLink } from './link.ts';
import type { Server } from './server.ts';

interface Shared {
  readonly link: Promise<OpenLink>;
  users: number;
  idle: NodeJS.Timeout | undefined;
}

/** Milliseconds that a connection is kept for whoever comes next. */
const IDLE = 5_000;

const open = new Map<string, Shared>();

/**
 * Runs `body` with a connection to the server: one that is there, or a new one.
 * @throws BackupError `aborted` when that is cancelled while it is made; and as `openLink`.
 */
export async function withLink<T>(
  server: Server,
  signal: AbortSignal | undefined,
  body: (link: Link) => Promise<T>,
): Promise<T> {
  const name = nameOf(server);
  const shared = take(name, server);
  const release = hold(name, shared);
  try {
    const link = await orCancelled(shared.link, signal);
    // Destinations of one server share it, each with its own folder and name.
    return await body({ ...link, server, hold: () => hold(name, shared) });
  } finally {
    release();
  }
}

/** Keeps a connection from being closed until the function returned is called. */
function hold(name: string, shared: Shared): () => void {
  shared.users += 1;
  clearTimeout(shared.idle);
  let held = true;
  return function release() {
    if (!held) return;
    held = false;
    shared.users -= 1;
    if (shared.users === 0) shared.idle = setTimeout(close, IDLE, name, shared).unref();
  };
}

/** Others may wait for the connection: it is made all the same. */
async function orCancelled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  stopIfCancelled(signal);
  const cancelled = Promise.withResolvers<never>();
  const cancel = () => cancelled.reject(aborted());
  signal.addEventListener('abort', cancel, { once: true });
  return Promise.race([promise, cancelled.promise]).finally(() => signal.removeEventListener('abort', cancel));
}

function take(name: string, server: Server): Shared {
  const there = open.get(name);
  if (there) return there;
  const shared: Shared = { link: openLink(server), users: 0, idle: undefined };
  open.set(name, shared);
  // Whoever comes next begins anew: what keeps a connection from being made, or breaks it, may be over then.
  shared.link.then(
    (link) => link.ended.then(() => close(name, shared)),
    () => forget(name, shared),
  );
  return shared;
}

function close(name: string, shared: Shared): void {
  forget(name, shared);
  clearTimeout(shared.idle);
  // It is closed already where it could not be made.
  shared.link.then((link) => link.close()).catch(() => undefined);
}

function forget(name: string, shared: Shared): void {
  if (open.get(name) === shared) open.delete(name);
}

/** The key's place, not the key: another key at that place counts from the next connection on. */
function nameOf({ user, host, port, key, hostKeys }: Server): string {
  return JSON.stringify([user, host, port, key, hostKeys]);
}
