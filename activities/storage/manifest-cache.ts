/**
 * What the manifests of a place said when they were read last, in state: a hundred thousand of them are listed without
 * reading each again. It only spares time. One counts as long as its object is the same by what the listing itself tells
 * (size, times, tags); a cache that is damaged, cut off, or another version's, is none, and may be deleted at any time.
 *
 * Lines of JSON: a header, a line a manifest, and the SHA-256 of all before. Written whole, to the side; of two processes
 * the later one counts.
 */
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../../model/manifest.ts';
import { productVersion } from '../version.ts';
import { FILE_MODE, makePath } from './durable.ts';
import { ifThere, translated } from './fs-errors.ts';
import { knowDigest, manifestDigest } from './manifest-file.ts';

export interface CachedManifest {
  /** What the listing told of its object. */
  readonly version: string;
  readonly manifest: Manifest;
}

/** By the key of the backup's folder. */
export type ManifestCache = ReadonlyMap<string, CachedManifest>;

const HEADER = JSON.stringify({ schema: 'mosaic-backup/manifest-cache@1', version: productVersion });
const NEWLINE = 0x0a;
/** Lines that are written at once. */
const BATCH = 256;

/** Empty where there is none that counts. */
export async function readManifestCache(file: string): Promise<ManifestCache> {
  const bytes = await translated(file, 'reading what is remembered of manifests', () => ifThere(readFile(file)));
  return (bytes && parse(bytes)) ?? new Map();
}

/** Replaces it whole. */
export async function writeManifestCache(file: string, cache: ManifestCache): Promise<void> {
  await translated(file, 'remembering manifests', async () => {
    await makePath(path.dirname(file));
    const temporary = `${file}.${randomUUID()}`;
    try {
      await write(temporary, cache);
      // Not synced: after a crash of the machine it may be cut off, which its last line shows.
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  });
}

async function write(file: string, cache: ManifestCache): Promise<void> {
  const digest = createHash('sha256');
  const stream = createWriteStream(file, { flags: 'wx', mode: FILE_MODE });
  const ended = once(stream, 'close');
  async function put(lines: readonly string[]): Promise<void> {
    const text = `${lines.join('\n')}\n`;
    digest.update(text);
    if (!stream.write(text)) await once(stream, 'drain');
  }
  let batch = [HEADER];
  for (const [folder, { version, manifest }] of cache) {
    batch.push(JSON.stringify([folder, version, manifestDigest(manifest), manifest]));
    if (batch.length < BATCH) continue;
    await put(batch);
    batch = [];
  }
  if (batch.length > 0) await put(batch);
  stream.end(`${digest.digest('hex')}\n`);
  await ended;
}

/** Undefined for anything but a whole one of this very version: what it holds was checked before it was written. */
function parse(bytes: Buffer): ManifestCache | undefined {
  const last = bytes.lastIndexOf(NEWLINE, bytes.byteLength - 2) + 1;
  const digest = createHash('sha256').update(bytes.subarray(0, last)).digest('hex');
  if (bytes.subarray(last).toString('latin1') !== `${digest}\n`) return undefined;
  const found = new Map<string, CachedManifest>();
  let start = bytes.indexOf(NEWLINE) + 1;
  if (bytes.subarray(0, start - 1).toString('utf8') !== HEADER) return undefined;
  while (start < last) {
    const end = bytes.indexOf(NEWLINE, start);
    // Written by this version and unchanged since, as its digest says: no schema looks at it again.
    const [folder, version, sha256, manifest] = JSON.parse(bytes.toString('utf8', start, end)) as [
      string,
      string,
      string,
      Manifest,
    ];
    knowDigest(manifest, sha256);
    found.set(folder, { version, manifest });
    start = end + 1;
  }
  return found;
}
