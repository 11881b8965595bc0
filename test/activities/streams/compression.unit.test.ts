import assert from 'node:assert/strict';
import { compressedCounts, decompressedBytes, holdsAll } from '../../../activities/streams/compression.ts';
import { parseVersion } from '../../../activities/streams/versions.ts';

function ended(stderr: string): Parameters<typeof compressedCounts>[0] {
  return { command: 'zstd', code: 0, signal: null, stderr };
}

describe('what zstd and age say', () => {
  it('the counts of zstd, as its versions print them', () => {
    for (const line of [
      '/*stdin*\\            :100.00%   (30000000 B => 30000697 B, /*stdout*\\) ',
      '/*stdin*\\            :100.00%   (30000000 => 30000697 bytes, /*stdout*\\) ',
    ]) {
      assert.deepEqual(compressedCounts(ended(line)), { plainBytes: 30_000_000, compressedBytes: 30_000_697 });
    }
    const nothing = '/*stdin*\\            :  (     0 B =>     13 B, /*stdout*\\) ';
    assert.deepEqual(compressedCounts(ended(nothing)), { plainBytes: 0, compressedBytes: 13 });
    assert.equal(
      decompressedBytes(ended('Using stdin for input \n/*stdin*\\           : 30000000 bytes \n')),
      30_000_000,
    );
  });

  it('a rounded count is not taken for an exact one', () => {
    assert.throws(() => compressedCounts(ended('/*stdin*\\ :100.00%   (  28.6 MiB =>   28.6 MiB, /*stdout*\\)')), {
      code: 'program-failed',
    });
  });

  it('whether age has encrypted all that zstd wrote', () => {
    const header = 168;
    for (const bytes of [13, 65_535, 65_536, 65_537, 1_000_000]) {
      const stored = header + 16 + bytes + 16 * Math.ceil(bytes / 65_536);
      assert.ok(holdsAll(stored, bytes));
      assert.ok(!holdsAll(stored - 100, bytes));
      assert.ok(!holdsAll(header + 32, Math.max(bytes, 1_000)));
    }
  });

  it('versions, however programs print them', () => {
    assert.equal(parseVersion('*** Zstandard CLI (64-bit) v1.5.4, by Yann Collet ***'), '1.5.4');
    assert.equal(parseVersion('tar (GNU tar) 1.34\nCopyright (C) 2021'), '1.34');
    assert.equal(parseVersion('pg_basebackup (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)'), '15.14');
    assert.equal(parseVersion('1.1.1'), '1.1.1');
    assert.equal(parseVersion('(devel)'), '(devel)');
  });
});
