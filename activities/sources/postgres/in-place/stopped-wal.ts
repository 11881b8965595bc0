/** The WAL that lies in the data folder of a stopped server: what is whole, and what was begun. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Socket } from 'node:net';
import { linesOf } from '../../../streams/lines.ts';
import { runPipeline } from '../../../streams/pipeline.ts';
import type { Work } from '../../../work.ts';
import { isHistory, parseSegment } from '../logs/segments.ts';
import type { ReceivedSegment } from '../logs/received.ts';

export interface StoppedWal {
  /** In the order of timeline and place. The last one was being written; the others are whole. */
  readonly segments: readonly ReceivedSegment[];
  readonly histories: readonly string[];
}

/** Segments hold what their names say, or what they held before they were recycled: the first page tells. */
export async function readStoppedWal(wal: string, systemId: string, segmentBytes: number): Promise<StoppedWal> {
  const names = (await readdir(wal)).toSorted();
  const segments: ReceivedSegment[] = [];
  for (const name of names) {
    const segment = parseSegment(name, segmentBytes);
    if (!segment) continue;
    const page = await firstPage(path.join(wal, name));
    const start = segment.number * BigInt(segmentBytes);
    if (page && page.timeline === segment.timeline && page.start === start && page.systemId === systemId)
      segments.push({ ...segment, name });
  }
  return { segments, histories: names.filter(isHistory) };
}

interface FirstPage {
  readonly timeline: number;
  /** The place in all WAL that its bytes are of. */
  readonly start: bigint;
  readonly systemId: string;
}

/** XLogLongPageHeaderData, as every version since 9.3 has it; undefined where there is none. */
async function firstPage(file: string): Promise<FirstPage | undefined> {
  const handle = await open(file, 'r');
  try {
    const bytes = Buffer.alloc(40);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    // xlp_info: bit 1 says that it is the long header, of a segment's first page.
    if (bytesRead < bytes.length || (bytes.readUInt16LE(2) & 0x0002) === 0) return undefined;
    return {
      timeline: bytes.readUInt32LE(4),
      start: bytes.readBigUInt64LE(8),
      systemId: bytes.readBigUInt64LE(24).toString(),
    };
  } finally {
    await handle.close();
  }
}

/**
 * LSN of the last record, as pg_waldump prints it; undefined where none begins in these segments.
 * @param from the segment to begin with, and `to` the last one: without that pg_waldump reads the first alone.
 */
export async function lastRecord(
  { wal, waldump, from, to }: Readonly<Record<'wal' | 'waldump' | 'from' | 'to', string>>,
  work: Work,
): Promise<string | undefined> {
  let last: string | undefined;
  await runPipeline({
    programs: [
      // It reads up to what was not written any more, and calls that an error.
      { command: waldump, args: [`--path=${wal}`, from, to], env: { TZ: 'UTC', LC_ALL: 'C' }, cwd: '/', accept: [1] },
    ],
    drain: async (fd) => {
      for await (const line of linesOf(new Socket({ fd, readable: true, writable: false })))
        last = /, lsn: ([0-9A-F]+\/[0-9A-F]+), /.exec(line)?.[1] ?? last;
    },
    bytes: () => 0,
    phase: 'reading the end of the old WAL',
    total: null,
    work,
  });
  return last;
}
