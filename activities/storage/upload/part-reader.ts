/** The parts of a file, in their order, each digested by itself and all of them as a whole. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { fill } from '../../streams/blocks-of.ts';
import { counter } from '../../streams/digest.ts';
import { translated } from '../fs-errors.ts';
import type { Stored } from '../types.ts';
import type { Cut } from './cut.ts';

export interface FilePart {
  /** From 1 on. */
  readonly number: number;
  /** In the memory that was given for it. */
  readonly bytes: Buffer;
  readonly sha256: Buffer;
  /** The SHA-256 of each of its mebibytes, where that was asked for. */
  readonly mebibytes: readonly Buffer[];
}

export interface PartReader {
  /** The next part, read into this memory; undefined after the last. Lanes may ask at the same time. */
  next(into: Buffer): Promise<FilePart | undefined>;
  /** What the file is, once all parts have been read. */
  stored(): Stored;
}

export interface PartReading {
  /** The file's name, for messages. */
  readonly file: string;
  readonly opened: FileHandle;
  readonly cut: Cut;
  /** Bytes that it should have. */
  readonly bytes: number;
  /** Whether each mebibyte is digested by itself as well. */
  readonly mebibytes?: boolean;
}

/** So much is hashed at a time: other lanes send meanwhile. Each is a mebibyte of its part, whose size is a multiple of it where they count. */
const BLOCK = 2 ** 20;

export function partReader({ file, opened, cut, bytes, mebibytes = false }: PartReading): PartReader {
  const whole = counter();
  let read = 0;
  let before: Promise<unknown> = Promise.resolve();

  async function readNext(into: Buffer): Promise<FilePart | undefined> {
    if (read === cut.count) return undefined;
    const position = read * cut.size;
    read += 1;
    const number = read;
    const last = number === cut.count;
    const wanted = into.subarray(0, last ? bytes - position : cut.size);
    const filled = await readAndDigest(wanted, position);
    // A file that has shrunk is not sent any further, and one that has grown is not taken for the right one.
    if (filled.bytes.length < wanted.length) {
      read = cut.count;
      return undefined;
    }
    if (last) await countRest(bytes);
    return { number, ...filled };
  }

  async function readAndDigest(into: Buffer, position: number): Promise<Omit<FilePart, 'number'>> {
    const part = createHash('sha256');
    const each: Buffer[] = [];
    let filled = 0;
    while (filled < into.length) {
      const block = into.subarray(filled, filled + BLOCK);
      const got = await translated(file, `reading ${file}`, () => fill(opened, block, position + filled));
      const found = block.subarray(0, got);
      part.update(found);
      if (mebibytes) each.push(createHash('sha256').update(found).digest());
      whole.add(found);
      filled += got;
      if (got < block.length) break;
    }
    return { bytes: into.subarray(0, filled), sha256: part.digest(), mebibytes: each };
  }

  async function countRest(from: number): Promise<void> {
    const one = Buffer.alloc(1);
    whole.add(one.subarray(0, await translated(file, `reading ${file}`, () => fill(opened, one, from))));
  }

  return {
    next(into) {
      const number = before.then(() => readNext(into));
      before = number.catch(() => undefined);
      return number;
    },
    stored: () => whole.stored(),
  };
}
