/** What lies in the lasting folder of a source: whole segments, timelines' histories, and what is begun. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isHistory, parseSegment, type Segment } from './segments.ts';

export interface ReceivedSegment extends Segment {
  readonly name: string;
}

export interface Received {
  /** In the order of timeline and place; whole ones only. */
  readonly segments: readonly ReceivedSegment[];
  readonly histories: readonly string[];
}

/** Reads the folder. A segment of the wrong size is a begun one that lost its suffix: it is not counted. */
export async function readReceived(folder: string, segmentBytes: number): Promise<Received> {
  const names = (await readdir(folder)).toSorted();
  const segments: ReceivedSegment[] = [];
  for (const name of names) {
    const segment = parseSegment(name, segmentBytes);
    if (!segment) continue;
    const { size } = await stat(path.join(folder, name));
    if (size === segmentBytes) segments.push({ ...segment, name });
  }
  return { segments, histories: names.filter(isHistory) };
}

/** SHA-256 of a segment, lowercase hex: by it the same segment is told from another of its name. */
export async function segmentDigest(folder: string, name: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path.join(folder, name), { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

/** Names of those up to one. */
export function upTo(segments: readonly ReceivedSegment[], last: string): readonly string[] {
  return segments.map(({ name }) => name).filter((name) => name <= last);
}

/** Deletes segments that are sealed, but for the newest one: behind it pg_receivewal goes on. */
export async function dropSealed(folder: string, sealed: readonly string[]): Promise<void> {
  for (const name of sealed.toSorted().slice(0, -1)) await rm(path.join(folder, name), { force: true });
}
