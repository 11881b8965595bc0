import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { backupId } from '../../model/paths.ts';
import { formatReference, matchReference } from '../../model/reference.ts';
import type { BackupName } from '../../model/reference.ts';
import { TIERS } from '../../model/source.ts';

/** Names that are alike: few sources, tiers and days, ids that begin alike, a source called as a tier is. */
const anyName: fc.Arbitrary<BackupName> = fc.record({
  tier: fc.constantFrom(null, ...TIERS),
  source: fc.constantFrom('postgres', 'post', 'daily', 'logs', 'weekly'),
  id: fc.oneof(
    fc.tuple(fc.integer({ min: 1, max: 28 }), fc.constantFrom('full', 'incremental')).map(([day, kind]) => {
      return backupId(`2026-11-${String(day).padStart(2, '0')}T02:00:00Z`, kind);
    }),
    fc.constantFrom('1-2', '1-22', '11-2'),
  ),
});
const anyNames = fc.uniqueArray(anyName, { minLength: 1, maxLength: 30, selector: formatReference });

describe('reference', () => {
  it('reaches every backup by its whole name, and that alone (any catalogue)', () => {
    fc.assert(
      fc.property(anyNames, (names) => {
        for (const name of names) assert.deepEqual(matchReference(formatReference(name), names), [name]);
      }),
    );
  });

  it('may be shortened from the left, and then means at least that backup (any catalogue)', () => {
    fc.assert(
      fc.property(anyNames, fc.nat(), (names, pick) => {
        const name = names[pick % names.length];
        assert.ok(name);
        const parts = formatReference(name).split('/');
        for (let from = 0; from < parts.length; from += 1) {
          const found = matchReference(parts.slice(from).join('/'), names);
          assert.ok(found.length > 0);
          assert.ok(found.includes(name) || from > 0);
        }
      }),
    );
  });

  it('means all that it could mean, and nothing else (any catalogue, any beginning of an id)', () => {
    fc.assert(
      fc.property(anyNames, fc.nat(), fc.integer({ min: 1, max: 21 }), (names, pick, length) => {
        const name = names[pick % names.length];
        assert.ok(name);
        const start = name.id.slice(0, length);
        const found = matchReference(start, names);
        const exact = names.filter(({ id }) => id === start);
        assert.deepEqual(found, exact.length > 0 ? exact : names.filter(({ id }) => id.startsWith(start)));
      }),
    );
  });

  it('matches nothing by nothing, and no part in the middle of a name', () => {
    const names = [{ tier: 'daily', source: 'postgres', id: '20261123T020000Z-full' }] as const;
    for (const text of [
      '',
      '/',
      'post/2026',
      'gres/2026',
      'aily/postgres/2026',
      'x/daily/postgres/2026',
      'daily',
      'daily/postgres/',
      '1123',
    ]) {
      assert.deepEqual(matchReference(text, names), [], text);
    }
  });
});
