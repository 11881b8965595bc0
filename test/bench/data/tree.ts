/** A tree of files as stacks have them: log-normal sizes, many folders, nine tenths text and one tenth random bytes. */
import { closeSync, futimesSync, mkdirSync, openSync, symlinkSync, utimesSync, writeSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { randomBytes, type RandomBytes } from './random.ts';
import type { Scale } from './scale.ts';
import { text } from './text.ts';

/** The tree's folders at its top hold the same number of bytes each: one of them is the smaller set of data. */
export const PARTS = 8;

/** Of the logarithm of the sizes: half of the files hold less than a fifth of the mean. */
const SIGMA = 1.8;
/** No file is larger than this share of the whole. */
const LARGEST = 1 / 50;
/** So much cannot be compressed. */
const INCOMPRESSIBLE = 0.1;
const FIRST_TIME = Date.UTC(2024, 0, 1) / 1000;
const TWO_YEARS = 2 * 365 * 86_400;
const MODES = [0o644, 0o644, 0o644, 0o600, 0o755];
const LINKS_EVERY = 200;

export interface TreeOptions {
  readonly root: string;
  readonly scale: Scale['tree'];
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number) => void;
}

export interface TreeFacts {
  /** Regular files. */
  readonly files: number;
  readonly bytes: number;
}

/** Makes the tree below an existing empty folder; the same every time. */
export async function makeTree({ root, scale, signal, onProgress }: TreeOptions): Promise<TreeFacts> {
  const random = randomBytes('tree');
  const noise = randomBytes('tree/noise');
  const prose = text('tree/text');
  const folders = makeFolders(root, scale.folders, random);
  let bytes = 0;
  let incompressible = 0;
  for (const [index, size] of sizes(scale, random).entries()) {
    const isNoise = incompressible < bytes * INCOMPRESSIBLE;
    const content = isNoise ? noise.bytes(size) : Buffer.allocUnsafe(size);
    if (isNoise) incompressible += size;
    else prose.fill(content);
    const folder = folderOf(folders, bytes / scale.bytes, random);
    const name = `${prose.characters(9).trim().replaceAll(' ', '-')}-${index}.${isNoise ? 'bin' : 'txt'}`;
    writeOne(path.join(folder, name), content, index, random);
    bytes += size;
    if (index % LINKS_EVERY === 0) symlinkSync(name, path.join(folder, `link-${index}`));
    if (index % 256 > 0) continue;
    onProgress(bytes);
    await breathe();
    signal.throwIfAborted();
  }
  for (const folder of folders.flat().toReversed()) utimesSync(folder, FIRST_TIME, FIRST_TIME);
  return { files: scale.files, bytes };
}

/** Sizes whose sum is what was asked for, but for rounding. */
function sizes({ files, bytes }: Scale['tree'], random: RandomBytes): readonly number[] {
  const drawn = Array.from({ length: files }, () => Math.exp(SIGMA * normal(random)));
  const scale = bytes / drawn.reduce((sum, size) => sum + size, 0);
  const capped = drawn.map((size) => Math.min(size * scale, bytes * LARGEST));
  // What the cap took away goes to all.
  const rest = bytes / capped.reduce((sum, size) => sum + size, 0);
  return capped.map((size) => Math.round(size * rest));
}

/** Box and Muller: a normal number out of two even ones. */
function normal(random: RandomBytes): number {
  const [radius, angle] = [1 - random.fraction(), random.fraction()];
  return Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
}

/** For each part its folders, parents first: each hangs below one that is there already. */
function makeFolders(root: string, count: number, random: RandomBytes): readonly (readonly string[])[] {
  return Array.from({ length: PARTS }, (_, part) => {
    const folders = [path.join(root, `part-${part}`)];
    while (folders.length < count / PARTS) {
      const parent = folders[Math.floor(random.fraction() * folders.length)] ?? root;
      folders.push(path.join(parent, `folder-${folders.length}`));
    }
    for (const folder of folders) mkdirSync(folder);
    return folders;
  });
}

function folderOf(folders: readonly (readonly string[])[], share: number, random: RandomBytes): string {
  const part = folders[Math.min(PARTS - 1, Math.floor(share * PARTS))] ?? [];
  return part[Math.floor(random.fraction() * part.length)] ?? '';
}

/** Synchronous: a hundred thousand small waits would take longer than the writing. */
function writeOne(file: string, content: Buffer, index: number, random: RandomBytes): void {
  const descriptor = openSync(file, 'wx', MODES[index % MODES.length]);
  try {
    for (let at = 0; at < content.length;) at += writeSync(descriptor, content, at);
    const time = FIRST_TIME + Math.floor(random.fraction() * TWO_YEARS);
    futimesSync(descriptor, time, time);
  } finally {
    closeSync(descriptor);
  }
}
