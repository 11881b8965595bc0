/** How artifacts are cut and described for a vault, and what is said of what it answers. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { cutOf } from '../../../../activities/storage/glacier/cut.ts';
import { formatDescription, parseDescription } from '../../../../activities/storage/glacier/description.ts';
import { meaningOf } from '../../../../activities/storage/glacier/meanings.ts';

const MEBIBYTE = 2 ** 20;
const TEBIBYTE = 2 ** 40;

describe('parts of an upload to a vault', () => {
  const config = { partSize: 16 * MEBIBYTE, parallel: 4 };

  it('have the configured size, or twice that as often as there would be more than 10,000 (any size)', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 36 * TEBIBYTE }), (bytes) => {
        const { size, count } = cutOf(bytes, config);
        assert.ok(Number.isInteger(Math.log2(size / MEBIBYTE)), 'a mebibyte times a power of two');
        assert.ok(count <= 10_000 && count * size >= bytes && (count - 1) * size < bytes);
        assert.ok(size === config.partSize || Math.ceil(bytes / (size / 2)) > 10_000, 'no larger than it must be');
      }),
    );
  });

  it('never hold more memory than all of them may, and are refused where Glacier takes no more', () => {
    assert.equal(cutOf(36 * TEBIBYTE, config).lanes, 1);
    assert.throws(() => cutOf(50 * TEBIBYTE, config), { code: 'refused', message: /40 TB at most/ });
  });
});

describe('the description of an archive', () => {
  const sha256 = 'a'.repeat(64);

  it('comes back as it was, in printable ASCII (any key)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (key) => {
        const text = formatDescription({ site: 'prod', key, sha256 });
        assert.match(text, /^[ -~]*$/);
        assert.deepEqual(parseDescription(text), { site: 'prod', key, sha256 });
      }),
    );
  });

  it('is refused where it would be cut, and what is none of ours is none', () => {
    assert.throws(() => formatDescription({ site: 'prod', key: 'k'.repeat(1000), sha256 }), { code: 'refused' });
    for (const other of ['', 'my holiday', '{"Path":"/x"}', '[]', 'null', `{"site":"prod","key":"k","sha256":"x"}`])
      assert.equal(parseDescription(other), undefined, other);
  });
});

describe('what Glacier answers', () => {
  for (const [code, status, means, words] of [
    ['ResourceNotFoundException', 404, 'unreachable', /no such vault/],
    ['NoLongerSupportedException', 400, 'refused', /closed to new customers/],
    ['PolicyEnforcedException', 400, 'refused', /limit on retrievals/],
    ['InsufficientCapacityException', 503, 'unreachable', /no capacity for expedited/],
    ['AccessDeniedException', 403, 'access-denied', /lack the right glacier:UploadArchive/],
    ['InvalidSignatureException', 403, 'access-denied', /does not know these credentials/],
    ['ThrottlingException', 400, 'unreachable', /overloaded/],
    ['ServiceUnavailableException', 500, 'unreachable', /overloaded/],
    ['ECONNREFUSED', undefined, 'unreachable', /takes no connection/],
    ['Whatever', 500, 'failed', /an error of its own/],
  ] as const) {
    it(`${code} is ${means}`, () => {
      const meaning = meaningOf({ code, status, message: 'said' }, 'glacier:UploadArchive');
      assert.equal(meaning.code, means);
      assert.match(meaning.means, words);
      assert.notEqual(meaning.remedy, '');
    });
  }

  it('a wrong digest is one that was altered on its way, and another wrong value is not', () => {
    const of = (message: string) => meaningOf({ code: 'InvalidParameterValueException', status: 400, message }, 'x');
    assert.match(of('Checksum mismatch: expected …').means, /other bytes arrived/);
    assert.match(of('Invalid vault name').means, /answered InvalidParameterValueException/);
  });
});
