/** Glacier's tree hash in the plainest way, from the root down: what the program's own is compared with. */
import { createHash } from 'node:crypto';

const MEBIBYTE = 2 ** 20;

/** The left half is the largest number of mebibytes, a power of two, that leaves something for the right one. */
export function simpleTreeHash(bytes: Buffer): Buffer {
  if (bytes.length <= MEBIBYTE) return createHash('sha256').update(bytes).digest();
  let left = MEBIBYTE;
  while (left * 2 < bytes.length) left *= 2;
  const halves = [simpleTreeHash(bytes.subarray(0, left)), simpleTreeHash(bytes.subarray(left))];
  return createHash('sha256').update(Buffer.concat(halves)).digest();
}
