/** Reading at a server with a shell. */
import { Socket } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BackupError } from '../../../model/errors.ts';
import { lineSplitter } from '../../streams/lines.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import type { Stored } from '../types.ts';
import { sessionError } from './errors.ts';
import type { Link } from './link.ts';
import { writeAll } from './pipe.ts';
import { quietWork } from '../quiet.ts';
import { quote } from './quote.ts';
import { runScript, scriptIn, SHELL } from './script.ts';

/** As base64, one line a file, since what a script prints is text. The dot tells an empty file from none. */
export async function readThere(link: Link, names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const each = names
    .map(quote)
    .map((name) => `if [ -f ${name} ]; then base64 <${name} | tr -d '\\n'; echo .; else echo; fi`);
  const { stdout } = await runScript(link, each.join('\n'), { doing: `reading ${names.at(-1) ?? ''}` });
  const lines = stdout.split('\n');
  return new Map(
    names.flatMap((name, index) => {
      const line = lines[index] ?? '';
      return line.endsWith('.') ? [[name, Buffer.from(line.slice(0, -1), 'base64')] as const] : [];
    }),
  );
}

/** The bytes as they come. A session that fails in the middle breaks the stream with its error. */
export async function openThere(link: Link, key: string): Promise<Readable | undefined> {
  const { stdout } = await runScript(link, `if [ -f ${quote(key)} ]; then echo there; fi`, { doing: `opening ${key}` });
  if (stdout !== 'there') return undefined;
  const through = new PassThrough({ highWaterMark: 1024 * 1024 });
  const leave = new AbortController();
  const release = link.hold();
  through.once('close', () => leave.abort());
  let bytes = 0;
  const finished = runPipeline({
    programs: [link.session(SHELL)],
    feed: (fd) => writeAll(fd, scriptIn(link, `exec cat <${quote(key)}`)),
    drain: async (fd, signal) => {
      const socket = new Socket({ fd, readable: true, writable: false });
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
      await pipeline(socket, through, { signal, end: false });
    },
    bytes: () => bytes,
    phase: `reading ${key}`,
    total: null,
    // Whoever reads may pause for as long as it likes; a dead link ends it.
    work: { ...quietWork(), standstill: Number.POSITIVE_INFINITY, signal: leave.signal },
  });
  // Its end comes once the exit status is known: what broke off never looks whole.
  void finished.finally(release).then(
    () => through.end(),
    async (error: unknown) => {
      const told = await sessionError(link, `reading ${key}`, error);
      through.destroy(told instanceof Error ? told : undefined);
    },
  );
  return through;
}

export interface Digesting {
  readonly name: string;
  readonly work: Work;
  readonly phase: string;
  /** Where it has another size it is not read, and what is told is its size alone. */
  readonly bytes?: number;
  /** Bytes that were moved before: reading back moves no new ones. */
  readonly moved?: number;
}

/**
 * Size and SHA-256 as the other side reads them, past its page cache where it can. While it reads it tells how far it is,
 * so that a disk that hangs is told from a large file.
 */
export async function digestThere(
  link: Link,
  { name, work, phase, bytes: expected, moved = 0 }: Digesting,
): Promise<Stored | undefined> {
  const told: string[] = [];
  const lines = lineSplitter();
  let at = 0;
  function take(line: string): void {
    const read = /^at (\d+)$/.exec(line)?.[1];
    if (read === undefined) told.push(line);
    else at = Math.max(at, Number(read));
  }
  await link.commands.take(async () => {
    try {
      await runPipeline({
        programs: [link.session(SHELL)],
        feed: (fd) => writeAll(fd, scriptIn(link, digestScript(name, expected))),
        drain: async (fd) => {
          const socket = new Socket({ fd, readable: true, writable: false });
          for await (const chunk of socket as AsyncIterable<Buffer>) lines.push(chunk).forEach(take);
          lines.rest().forEach(take);
        },
        bytes: () => at,
        phase,
        total: expected ?? null,
        work: { ...work, progress: (report) => work.progress({ ...report, bytes: moved, activity: report.bytes }) },
      });
    } catch (error) {
      throw await sessionError(link, phase, error);
    }
  }, work.signal);
  const [size = '', sum = ''] = told;
  if (size === 'none') return undefined;
  const sha256 = sum === 'unread' ? '' : /^([0-9a-f]{64}) /.exec(sum)?.[1];
  if (sha256 === undefined || !/^ *\d+$/.test(size)) {
    throw new BackupError('failed', `${link.server.name} answers "${told.join(' ')}" where a digest should be.`, {
      remedy: `See that a login at ${link.server.host} prints nothing, and that sha256sum works there.`,
    });
  }
  return { bytes: Number(size), sha256 };
}

function digestScript(name: string, expected: number | undefined): string {
  return `f=${quote(name)}
if [ ! -f "$f" ]; then echo none; exit 0; fi
n=$(wc -c <"$f")
echo $n
${expected === undefined ? '' : `if [ $n -ne ${expected} ]; then echo unread; exit 0; fi`}
sync -- "$f" 2>/dev/null || sync
dd if="$f" iflag=nocache count=0 2>/dev/null || :
sha256sum <"$f" & p=$!
# Not in the folder: what is left of the pause would keep its disk from being unmounted.
(cd / && while :; do sleep 2 >/dev/null 2>&1; sed -n 's/^rchar: /at /p' /proc/$p/io 2>/dev/null; done) & m=$!
r=0
wait $p || r=$?
kill $m
exit $r`;
}
