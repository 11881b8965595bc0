import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { cutOf } from '../../../../activities/storage/s3/parts.ts';
import { cutBy } from '../../../../activities/storage/upload/cut.ts';
import { PART_BOUNDS } from '../../../../model/config/destinations/s3.ts';

const MEBIBYTE = 2 ** 20;
const TEBIBYTE = 2 ** 40;

describe('parts of an upload to S3', () => {
  const config = { partSize: 16 * MEBIBYTE, parallel: 4 };

  it('have the configured size, and are as few as can be', () => {
    assert.deepEqual(cutOf(0, config), { size: 16 * MEBIBYTE, count: 1, lanes: 1 });
    assert.deepEqual(cutOf(16 * MEBIBYTE, config), { size: 16 * MEBIBYTE, count: 1, lanes: 1 });
    assert.deepEqual(cutOf(16 * MEBIBYTE + 1, config), { size: 16 * MEBIBYTE, count: 2, lanes: 2 });
  });

  it('are what S3 takes and memory bears, whatever the size (any size, any config)', () => {
    const partSize = fc.integer({ min: PART_BOUNDS.smallest, max: PART_BOUNDS.largest });
    const parallel = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 * TEBIBYTE }), partSize, parallel, (bytes, partSize, parallel) => {
        const { size, count, lanes } = cutOf(bytes, { partSize, parallel });
        assert.ok(size >= PART_BOUNDS.smallest && size <= PART_BOUNDS.largest);
        assert.ok(count >= 1 && count <= 10_000);
        assert.ok(size * count >= bytes && size * (count - 1) <= bytes);
        assert.ok(lanes >= 1 && lanes <= parallel);
        assert.ok(lanes === 1 || lanes * size <= 512 * MEBIBYTE);
        assert.deepEqual(cutBy(bytes, size, parallel), { size, count, lanes }, 'an upload that goes on has the same');
      }),
    );
  });

  it('are refused above 5 TiB', () => {
    assert.throws(() => cutOf(5 * TEBIBYTE + 1, config), { code: 'refused' });
  });
});
