/** The tree hash, against what others publish and against the plainest way to compute it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { treeHashOf } from '../../../../activities/storage/glacier/tree-hash.ts';
import { simpleTreeHash } from '../../../support/tree-hash.ts';

const MEBIBYTE = 2 ** 20;

describe('the tree hash of Glacier', () => {
  it('is what Amazon publishes for 5.5 MiB of the character 0', () => {
    // AWS SDK for JavaScript, test/services/glacier.spec.js: computeChecksums.
    const bytes = Buffer.alloc(5.5 * MEBIBYTE, '0');
    const expected = '154e26c78fd74d0c2c9b3cc4644191619dc4f2cd539ae2a74d5fd07957a3ee6a';
    assert.equal(treeHashOf(mebibytesOf(bytes)).toString('hex'), expected);
    assert.equal(simpleTreeHash(bytes).toString('hex'), expected, 'and so is the one that it is compared with');
  });

  it('is the SHA-256 of what has a mebibyte or less', () => {
    for (const bytes of [Buffer.from('x'), Buffer.alloc(MEBIBYTE, 7)]) {
      assert.deepEqual(treeHashOf(mebibytesOf(bytes)), createHash('sha256').update(bytes).digest());
    }
  });

  it('is the same by mebibytes, by parts, and from the root down (any length and size of parts)', () => {
    const pattern = Buffer.from(createHash('sha512').update('pattern').digest());
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 * MEBIBYTE }), fc.integer({ min: 0, max: 3 }), (length, power) => {
        const bytes = Buffer.alloc(length, pattern);
        const size = MEBIBYTE * 2 ** power;
        const parts = pieces(bytes, size).map((part) => treeHashOf(mebibytesOf(part)));
        const expected = simpleTreeHash(bytes);
        assert.deepEqual(treeHashOf(mebibytesOf(bytes)), expected);
        assert.deepEqual(treeHashOf(parts), expected);
      }),
      {
        numRuns: 20,
        examples: [
          [MEBIBYTE, 0],
          [MEBIBYTE + 1, 0],
          [3 * MEBIBYTE, 1],
          [7 * MEBIBYTE - 1, 1],
        ],
      },
    );
  });

  it('has none for nothing', () => {
    assert.throws(() => treeHashOf([]), RangeError);
  });
});

function mebibytesOf(bytes: Buffer): readonly Buffer[] {
  return pieces(bytes, MEBIBYTE).map((piece) => createHash('sha256').update(piece).digest());
}

function pieces(bytes: Buffer, size: number): readonly Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_none, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
