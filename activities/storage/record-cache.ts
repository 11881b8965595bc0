/**
 * What the small records of a place (manifests, evidence) said when they were read last, in state: a hundred thousand of them
 * are listed without reading each again. It only spares time. One counts as long as its object is the same by what the listing itself tells
 * (size, times, tags); a cache that is damaged, cut off, or another version's, is none, and may be deleted at any time.
 *
 * Lines of JSON: a header, a line a record, and the SHA-256 of all before. Written whole, to the side; of two processes
 * the later one counts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { blocksOf, openFileStream } from '../streams/blocks-of.ts';
import { lineSplitter } from '../streams/lines.ts';
import { productVersion } from '../version.ts';
import { FILE_MODE, makePath } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';

export interface CachedRecord<Value> {
  /** What the listing told of its object. */
  readonly version: string;
  /** What was computed of it besides; may be empty. */
  readonly note: string;
  readonly value: Value;
}

/** By key. */
export type RecordCache<Value> = ReadonlyMap<string, CachedRecord<Value>>;

/** A file of records. What its values hang on besides their objects is a part of what it is of. */
export interface CacheFile {
  readonly file: string;
  readonly of: string;
}

/** Lines that are written at once. */
const BATCH = 256;

/** Empty where there is none that counts. */
export async function readRecordCache<Value>({ file, of }: CacheFile): Promise<RecordCache<Value>> {
  const found = await translated(file, 'reading what is remembered of records', async () => {
    const stream = await ifThere(openFileStream(file));
    return stream && parse<Value>(blocksOf(stream), headerOf(of));
  });
  return found ?? new Map<string, CachedRecord<Value>>();
}

/** Replaces it whole. */
export async function writeRecordCache({ file, of }: CacheFile, cache: RecordCache<unknown>): Promise<void> {
  await translated(file, 'remembering records', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await write(temporary, headerOf(of), cache);
      // Not synced: after a crash of the machine it may be cut off, which its last line shows.
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

function headerOf(of: string): string {
  return JSON.stringify({ schema: 'mosaic-backup/record-cache@1', version: productVersion, of });
}

async function write(file: string, header: string, cache: RecordCache<unknown>): Promise<void> {
  const digest = createHash('sha256');
  const stream = createWriteStream(file, { flags: 'wx', mode: FILE_MODE });
  const ended = once(stream, 'close');
  // A full disk fails what is waited for just then, and this too: that it is waited for later must not end the process.
  ended.catch(() => undefined);
  async function put(lines: readonly string[]): Promise<void> {
    const text = `${lines.join('\n')}\n`;
    digest.update(text);
    if (!stream.write(text)) await once(stream, 'drain');
  }
  let batch = [header];
  for (const [key, { version, note, value }] of cache) {
    batch.push(JSON.stringify([key, version, note, value]));
    if (batch.length < BATCH) continue;
    await put(batch);
    batch = [];
  }
  if (batch.length > 0) await put(batch);
  stream.end(`${digest.digest('hex')}\n`);
  await ended;
}

/** Bytes of the last line: a SHA-256 and its line break. */
const LAST = 65;

/** Undefined for anything but a whole one of this very version: what it holds was checked before it was written. */
async function parse<Value>(
  blocks: AsyncIterable<Uint8Array>,
  header: string,
): Promise<RecordCache<Value> | undefined> {
  const digest = createHash('sha256');
  const lines = lineSplitter();
  const found = new Map<string, CachedRecord<Value>>();
  let first: string | undefined;
  let held: Uint8Array = Buffer.of();
  for await (const block of blocks) {
    // The block is reused; what may be of the last line is kept back.
    const bytes = Buffer.concat([held, block]);
    const end = Math.max(0, bytes.length - LAST);
    held = bytes.subarray(end);
    digest.update(bytes.subarray(0, end));
    for (const line of lines.push(bytes.subarray(0, end))) {
      if (first === undefined) {
        first = line;
        if (first !== header) return undefined;
        continue;
      }
      const record = recordIn<Value>(line);
      if (record === undefined) return undefined;
      found.set(...record);
    }
  }
  return Buffer.from(held).toString('latin1') === `${digest.digest('hex')}\n` ? found : undefined;
}

/** Written by this version: whether it is unchanged since its digest says, and no schema looks at it again. */
function recordIn<Value>(line: string): [key: string, record: CachedRecord<Value>] | undefined {
  try {
    const [key, version, note, value] = JSON.parse(line) as [string, string, string, Value];
    return [key, { version, note, value }];
  } catch {
    // Damaged, as its digest would tell.
    return undefined;
  }
}
