/** WAL segments by name and number: `TTTTTTTTHHHHHHHHLLLLLLLL`, timeline and place in 8 + 16 hex digits. Pure. */
import { lsnNumber } from '../base-backup.ts';

export interface Segment {
  readonly timeline: number;
  /** Counted from the beginning of all WAL, in segments. */
  readonly number: bigint;
}

const NAME = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;

/** The segment that a file name names; undefined for `.partial`, `.history` and everything else. */
export function parseSegment(name: string, segmentBytes: number): Segment | undefined {
  const [, timeline, high, low] = NAME.exec(name) ?? [];
  if (timeline === undefined || high === undefined || low === undefined) return undefined;
  const number = BigInt(`0x${high}`) * perLog(segmentBytes) + BigInt(`0x${low}`);
  return { timeline: Number.parseInt(timeline, 16), number };
}

export function segmentName({ timeline, number }: Segment, segmentBytes: number): string {
  const each = perLog(segmentBytes);
  return [BigInt(timeline), number / each, number % each].map((part) => hex(part)).join('');
}

/** The segment in which an LSN lies. */
export function segmentAt(lsn: string, timeline: number, segmentBytes: number): Segment {
  return { timeline, number: lsnNumber(lsn) / BigInt(segmentBytes) };
}

/** The first LSN of a segment. */
export function startOf({ number }: Pick<Segment, 'number'>, segmentBytes: number): string {
  const at = number * BigInt(segmentBytes);
  return `${(at >> 32n).toString(16)}/${(at & 0xffff_ffffn).toString(16)}`.toUpperCase();
}

/** The end of the segment that holds the byte before an LSN: where a switch of WAL has ended one. */
export function segmentEnd(lsn: string, segmentBytes: number): string {
  const size = BigInt(segmentBytes);
  return startOf({ number: (lsnNumber(lsn) + size - 1n) / size }, segmentBytes);
}

/** `00000002.history`: the timelines that one grew out of. */
export function isHistory(name: string): boolean {
  return /^[0-9A-F]{8}\.history$/.test(name);
}

/** `00000002.history` */
export function historyName(timeline: number): string {
  return `${hex(BigInt(timeline))}.history`;
}

/** The timeline whose history a file is; undefined for other files. */
export function historyOf(name: string): number | undefined {
  return isHistory(name) ? Number.parseInt(name.slice(0, 8), 16) : undefined;
}

/** The first of these segments that does not follow the one before; a new timeline begins in the segment in which the old one ended. */
export function gapIn(segments: readonly Segment[]): { readonly before: Segment; readonly after: Segment } | undefined {
  for (const [index, after] of segments.entries()) {
    const before = segments[index - 1];
    if (before && !follows(before, after)) return { before, after };
  }
  return undefined;
}

/** Whether a segment is the next one after another. */
export function follows(before: Segment, after: Segment): boolean {
  if (after.timeline === before.timeline) return after.number === before.number + 1n;
  return after.timeline > before.timeline && after.number >= before.number && after.number <= before.number + 1n;
}

function perLog(segmentBytes: number): bigint {
  return 0x1_0000_0000n / BigInt(segmentBytes);
}

function hex(part: bigint): string {
  return part.toString(16).toUpperCase().padStart(8, '0');
}
