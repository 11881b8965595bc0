import assert from 'node:assert/strict';
import { assert as holds, integer, nat, oneof, property, record, string, uniqueArray } from 'fast-check';
import { shareFiles, type ManifestFile } from '../../../../activities/sources/postgres/verify-shares.ts';

const MIB = 1024 * 1024;

const files = uniqueArray(record({ Path: string({ minLength: 1 }), Size: oneof(nat(2 * MIB), nat(1024 * MIB)) }), {
  selector: ({ Path }) => Path,
  maxLength: 700,
});

describe('files shared among verifiers', () => {
  it('P10 every file is looked at by somebody, whatever the sizes', () => {
    holds(
      property(files, integer({ min: 1, max: 8 }), (all, verifiers) => {
        const ignored = shareFiles(all, verifiers).map((paths) => new Set(paths));
        for (const { Path } of all)
          assert.ok(
            ignored.some((paths) => !paths.has(Path)),
            Path,
          );
        const known = new Set(all.map(({ Path }) => Path));
        for (const paths of ignored) for (const each of paths) assert.ok(known.has(each), `${each} is of no manifest`);
      }),
    );
  });

  it('large files are digested once, and each verifier has about as much to do', () => {
    const all = Array.from({ length: 20 }, (_, index) => ({ Path: `base/1/${index}`, Size: (index + 1) * 10 * MIB }));
    const ignored = shareFiles([...all, { Path: 'global/1', Size: 8192 }], 2);
    assert.equal(ignored.length, 2);
    const [one = 0, other = 0] = ignored.map((paths) => bytesOf(all.filter(({ Path }) => !paths.includes(Path))));
    assert.equal(one + other, bytesOf(all));
    assert.ok(Math.abs(one - other) <= 10 * MIB, `${one} ${other}`);
    assert.ok(!ignored.flat().includes('global/1'));
  });

  it('there is one alone where small files are most of it, or there are too few large ones', () => {
    const small = Array.from({ length: 1000 }, (_, index) => ({ Path: `base/1/${index}`, Size: MIB / 2 }));
    assert.deepEqual(shareFiles([...small, large('a'), large('b')], 2), [[]]);
    assert.deepEqual(shareFiles([large('a')], 2), [[]]);
    assert.deepEqual(shareFiles([], 2), [[]]);
  });

  it('a file whose name is not UTF-8 is left to nobody', () => {
    const nameless: ManifestFile = { 'Encoded-Path': 'ff', Size: 100 * MIB };
    assert.deepEqual(
      shareFiles([nameless, large('a'), large('b'), large('c')], 2)
        .flat()
        .toSorted(),
      ['a', 'b', 'c'],
    );
  });
});

function large(name: string): ManifestFile {
  return { Path: name, Size: 100 * MIB };
}

function bytesOf(files: readonly ManifestFile[]): number {
  return files.reduce((sum, { Size }) => sum + Size, 0);
}
