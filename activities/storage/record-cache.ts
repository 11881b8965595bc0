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
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
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

const NEWLINE = 0x0a;
/** Lines that are written at once. */
const BATCH = 256;

/** Empty where there is none that counts. */
export async function readRecordCache<Value>({ file, of }: CacheFile): Promise<RecordCache<Value>> {
  const bytes = await translated(file, 'reading what is remembered of records', () => ifThere(readFile(file)));
  return (bytes && parse<Value>(bytes, headerOf(of))) ?? new Map<string, CachedRecord<Value>>();
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

/** Undefined for anything but a whole one of this very version: what it holds was checked before it was written. */
function parse<Value>(bytes: Buffer, header: string): RecordCache<Value> | undefined {
  const last = bytes.lastIndexOf(NEWLINE, bytes.byteLength - 2) + 1;
  const digest = createHash('sha256').update(bytes.subarray(0, last)).digest('hex');
  if (bytes.subarray(last).toString('latin1') !== `${digest}\n`) return undefined;
  const found = new Map<string, CachedRecord<Value>>();
  let start = bytes.indexOf(NEWLINE) + 1;
  if (bytes.subarray(0, start - 1).toString('utf8') !== header) return undefined;
  while (start < last) {
    const end = bytes.indexOf(NEWLINE, start);
    // Written by this version and unchanged since, as its digest says: no schema looks at it again.
    const [key, version, note, value] = JSON.parse(bytes.toString('utf8', start, end)) as [
      string,
      string,
      string,
      Value,
    ];
    found.set(key, { version, note, value });
    start = end + 1;
  }
  return found;
}
