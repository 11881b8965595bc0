/** What pg_waldump prints of a range of WAL, line by line. */
import { Socket } from 'node:net';
import { linesOf } from '../../streams/lines.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { programOf, type Binaries } from './binaries.ts';

export interface Dump {
  /** Programs that have pg_waldump, of the server's own major version. */
  readonly waldump: Pick<Binaries, 'folder' | 'sandbox'>;
  /** Folder of the segments. */
  readonly wal: string;
  /** The range, and which records of it. One timeline at a time. */
  readonly args: readonly string[];
  readonly phase: string;
  readonly work: Work;
}

/**
 * Hands over each line. That it ends says nothing: it reads up to what was not written any more, and calls that an
 * error; so whoever asks must look for a record that he knows to be the last.
 */
export async function readWaldump(
  { waldump, wal, args, phase, work }: Dump,
  look: (line: string) => void,
): Promise<void> {
  const all = [`--path=${wal}`, ...args];
  const program = programOf(waldump, 'pg_waldump', { args: all, env: { TZ: 'UTC' }, cwd: '/', accept: [1] });
  await runPipeline({
    programs: [program],
    drain: async (fd, signal) => {
      const socket = new Socket({ fd, readable: true, writable: false, signal });
      for await (const line of linesOf(socket as AsyncIterable<Uint8Array>)) look(line);
    },
    bytes: () => 0,
    phase,
    total: null,
    work,
  });
}
