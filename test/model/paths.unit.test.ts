import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { checkNames } from '../../model/config/check-names.ts';
import { draftOf } from '../../model/config/draft.ts';
import {
  backupFolder,
  backupId,
  evidenceKey,
  isFolderOf,
  isKey,
  logsFolder,
  parseBackupId,
  possibleFolders,
  recoveryPointKey,
  sourceFolder,
} from '../../model/paths.ts';
import { GROUPS, NAME, TIERS } from '../../model/source.ts';

const ID = '20261123T020000Z-full';
/** Names, with those that the layout itself uses more often than chance would have them. */
const anyName = fc.oneof(
  fc.constantFrom(
    'apps',
    'Apps',
    'system',
    'System',
    'latest',
    'configs',
    'daily',
    'weekly',
    'logs',
    'evidence',
    'recovery-points',
    'drills',
    'a',
    'A',
    'b',
    ID,
  ),
  fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/),
);
const anySource = fc.record({ name: anyName, group: fc.constantFrom(...GROUPS) });
const anyTier = fc.constantFrom(...TIERS);
const anyTime = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => `${date.toISOString().slice(0, 19)}Z`);
const anyKind = fc.constantFrom('full', 'incremental');

describe('paths', () => {
  it('are those of the design', () => {
    const at = (source: string, group: (typeof GROUPS)[number], tier: (typeof TIERS)[number]) =>
      backupFolder({ source, group, tier, id: ID });
    assert.equal(at('postgres', 'databases', 'daily'), `daily/postgres/${ID}`);
    assert.equal(at('wiki', 'apps', 'daily'), `daily/apps/wiki/${ID}`);
    assert.equal(at('machine', 'system', 'daily'), `daily/system/${ID}`);
    assert.equal(at('stack', 'configs', 'daily'), `configs/stack/${ID}`);
    assert.equal(at('stack', 'configs', 'weekly'), `weekly/stack/${ID}`);
    assert.equal(at('wiki', 'apps', 'yearly'), `yearly/wiki/${ID}`);
    assert.equal(logsFolder('postgres', '20261123', 'a', 'b'), 'logs/postgres/20261123/a-b');
    assert.equal(recoveryPointKey('daily-2026-11-23T02:00:00Z'), 'recovery-points/daily-2026-11-23T02:00:00Z.json');
    assert.equal(
      evidenceKey('postgres', ID, '2026-11-23T03:00:00Z', 'verify'),
      `evidence/postgres/${ID}/2026-11-23T03:00:00Z-verify.json`,
    );
  });

  it('hold a backup id that gives back what it was made of (any time)', () => {
    fc.assert(
      fc.property(anyTime, anyKind, (scheduled, kind) => {
        assert.deepEqual(parseBackupId(backupId(scheduled, kind)), { scheduled, kind });
      }),
    );
    for (const text of ['', 'latest', '20261123T020000Z', '20261123T020000Z-logs', ` ${ID}`])
      assert.equal(parseBackupId(text), undefined);
  });

  it('are keys (any source)', () => {
    fc.assert(
      fc.property(anySource, anyTier, ({ name, group }, tier) => {
        assert.ok(isKey(backupFolder({ source: name, group, tier, id: ID })));
      }),
    );
  });

  it('are found again from the name alone, and belong to that name (any source)', () => {
    fc.assert(
      fc.property(anySource, anyTier, anyTime, anyKind, ({ name, group }, tier, scheduled, kind) => {
        const id = backupId(scheduled, kind);
        const folder = backupFolder({ source: name, group, tier, id });
        assert.ok(possibleFolders({ tier, source: name, id }).includes(folder));
        assert.ok(isFolderOf(folder, { tier, source: name, id }));
        assert.equal(isFolderOf(folder, { tier, source: name, id: 'other' }), false);
        assert.equal(isFolderOf(`${folder}/x`, { tier, source: name, id }), false);
      }),
    );
    assert.ok(isFolderOf('logs/postgres/20261123/a-b', { tier: null, source: 'postgres', id: 'a-b' }));
    assert.equal(isFolderOf('logs/mariadb/20261123/a-b', { tier: null, source: 'postgres', id: 'a-b' }), false);
    assert.equal(isFolderOf('logs/postgres/a-b', { tier: null, source: 'postgres', id: 'a-b' }), false);
  });

  it('are never shared, nor one inside another, unless the config is refused (any two sources, any case of letters)', () => {
    let accepted = 0;
    fc.assert(
      fc.property(anySource, anySource, anyTier, (one, two, tier) => {
        fc.pre(one.name !== two.name && NAME.test(one.name) && NAME.test(two.name));
        const sources = Object.fromEntries([one, two].map(({ name, group }) => [name, { type: 'files', group }]));
        if (checkNames(draftOf({ sources })).length > 0) return;
        accepted += 1;
        const [first, second] = [one, two].map(({ name, group }) =>
          `${sourceFolder({ source: name, group, tier })}/`.toLowerCase(),
        );
        assert.ok(first !== undefined && second !== undefined);
        assert.ok(!first.startsWith(second) && !second.startsWith(first), `${first} ${second}`);
        // Nor is a backup of one taken for one of the other, by a folder and a name that somebody made up.
        const folder = backupFolder({ source: one.name, group: one.group, tier, id: ID });
        assert.ok(one.group === 'system' || !isFolderOf(folder, { tier, source: two.name, id: ID }), folder);
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 500, `${accepted} were accepted`);
  });
});

describe('key', () => {
  it('stays below its root (any text)', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a./\\-]{0,12}$/)), (text) => {
        if (!isKey(text)) return;
        const parts = new URL(`file:///root/${text.replaceAll(/[?#%]/g, '-')}`).pathname.split('/');
        assert.equal(parts[1], 'root', text);
        assert.ok(
          text.split('/').every((part) => part !== '' && !part.startsWith('.')),
          text,
        );
      }),
      { numRuns: 2000 },
    );
    assert.equal(isKey(`a/${'x'.repeat(255)}`), true);
    assert.equal(isKey(`a/${'x'.repeat(256)}`), false);
  });
});
