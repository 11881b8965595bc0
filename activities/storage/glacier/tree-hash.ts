/** Glacier's digest of an archive or a part: SHA-256 of each mebibyte, and of each two digests, up to one. */
import { createHash } from 'node:crypto';

/**
 * The root over these digests: of the mebibytes of an archive, in their order, or of its parts, whose size is a mebibyte
 * times a power of two. One that has no neighbour is taken up as it is.
 */
export function treeHashOf(digests: readonly Buffer[]): Buffer {
  let level = digests;
  while (level.length > 1) level = above(level);
  const [root] = level;
  if (root === undefined) throw new RangeError('nothing has no tree hash: an archive has one byte at least');
  return root;
}

function above(level: readonly Buffer[]): readonly Buffer[] {
  const parents: Buffer[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const [left, right] = level.slice(index, index + 2);
    if (left === undefined) break;
    parents.push(right === undefined ? left : createHash('sha256').update(left).update(right).digest());
  }
  return parents;
}
