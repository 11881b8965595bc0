import assert from 'node:assert/strict';
import { compareExpiring, whyOther } from '../../../../activities/sources/redis/compare.ts';

const DATABASES = [
  { index: 0, keys: 30, expires: 20 },
  { index: 3, keys: 5, expires: 0 },
];

function expected(changes: number | null) {
  return { databases: DATABASES, libraries: 0, window: { changes, lapsed: 0 } };
}

describe('a restored Redis against its inventory', () => {
  it('has as many keys that have not come to the end of their TTL as the dump says: append-only files bring all of them back', () => {
    const file = { keys: 35, expires: 20, expired: 18 };
    const { ok, detail } = compareExpiring(expected(0), { databases: DATABASES }, file);
    assert.ok(ok);
    assert.equal(detail, 'all 20 keys with a TTL are in the file; 2 of 20 have not come to the end of their TTL yet');
  });

  it('is another one where keys without a TTL are more or fewer than writes between can have made them', () => {
    const dump = { keys: 37, expires: 20, expired: 0 };
    assert.equal(whyOther(expected(2), dump), undefined);
    assert.equal(whyOther(expected(1), dump), 'the dump has 17 keys without a TTL, not 15');
    assert.equal(whyOther(expected(null), dump), undefined);
    assert.equal(whyOther(expected(null), { ...dump, keys: 20 }), 'the dump has 0 keys without a TTL, not 15');
  });
});
