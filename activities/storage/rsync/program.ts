/** How rsync is called. No name of an object stands in the command line of the other side: a shell there would take it for its own. */
import { Socket } from 'node:net';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { sessionError } from './errors.ts';
import type { Link } from './link.ts';
import { writeAll } from './pipe.ts';

/** Where rsync keeps what was cut off, beside the file that it is to become. */
export const PARTIAL = '.mosaic-part';
/** Where objects are written before they are confirmed. Hidden, as all that begins with a dot. */
export const INCOMING = '.incoming';

/** The folder of the destination for rsync: `host:/srv/backups/`. */
export function rootOf({ server }: Link): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return `${host}:${server.root === '' ? './' : server.root === '/' ? '/' : `${server.root}/`}`;
}

export interface Rsync {
  readonly args: readonly string[];
  readonly doing: string;
  readonly work: Work;
  /** Its stdin: names of files, each ended by a NUL. */
  readonly names?: readonly string[];
  /** Called with its output as it comes. */
  readonly onOutput?: ((chunk: Buffer) => void) | undefined;
  /** Bytes so far, for progress; absent: what it does moves none that count. */
  readonly bytes?: () => number;
  readonly total?: number;
  readonly phase?: string;
}

/** Runs rsync to its end, in a slot of the connection's. Fails as `sessionError` tells, or with `aborted` or `standstill`. */
export function runRsync(link: Link, slots: 'transfers' | 'commands', rsync: Rsync): Promise<void> {
  const { args, doing, work, names, onOutput, bytes = () => 0, total = null, phase = doing } = rsync;
  return link[slots].take(async () => {
    try {
      await runPipeline({
        programs: [{ command: 'rsync', args: ['-e', link.shellForRsync, ...args], cwd: '/' }],
        ...(names && { feed: (fd) => writeAll(fd, names.map((name) => `${name}\0`).join('')) }),
        ...(onOutput && { drain: (fd) => read(fd, onOutput) }),
        bytes,
        phase,
        total,
        work,
      });
    } catch (error) {
      throw await sessionError(link, doing, error);
    }
  }, work.signal);
}

async function read(fd: number, onOutput: (chunk: Buffer) => void): Promise<void> {
  const socket = new Socket({ fd, readable: true, writable: false });
  for await (const chunk of socket as AsyncIterable<Buffer>) onOutput(chunk);
}
