/** Random bytes that are the same in every run: the key stream of AES in counter mode. */
import { createCipheriv, createHash } from 'node:crypto';

export interface RandomBytes {
  /** The next bytes of the stream. */
  bytes(count: number): Buffer;
  /** The next number, at least 0 and less than 1. */
  fraction(): number;
}

/** Numbers are taken from blocks of so many bytes: one call of the cipher for each would be slow. */
const BLOCK = 65_536;

export function randomBytes(seed: string): RandomBytes {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const bytes = (count: number) => cipher.update(Buffer.alloc(count));
  let block = bytes(BLOCK);
  let at = 0;
  return {
    bytes,
    fraction() {
      if (at === BLOCK) [block, at] = [bytes(BLOCK), 0];
      at += 4;
      return block.readUInt32LE(at - 4) / 2 ** 32;
    },
  };
}
