import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../../activities/config/load.ts';
import { withIdentities } from '../../../../activities/keys/at-hand.ts';
import { rewrapKey } from '../../../../activities/operations/keys/rewrap.ts';
import { trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { chainOf, findBackup, listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import type { WritableStore } from '../../../../activities/storage/types.ts';
import { BackupError } from '../../../../model/errors.ts';
import { cleanUp, remount, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { backUp, changeRecipients, makeRotatable, opening, rotate, type Rotatable } from '../../../support/rotated.ts';
import { testWork } from '../../../support/work.ts';

describe('rotation of recipients, at places that are away or do not overwrite', () => {
  let folder: string;
  let made: Rotatable;

  beforeEach(async () => {
    folder = await temporaryFolder();
    const destinations = {
      vault: { type: 'directory', path: path.join(folder, 'vault') },
      second: { type: 'directory', path: path.join(folder, 'second') },
    } as const;
    made = await makeRotatable(folder, { destinations });
    await backUp(made.site, '2026-11-22T02:00:00Z');
    await writeFile(made.data, 'what was there then\n');
    await backUp(made.site, '2026-11-23T02:00:00Z');
  });
  afterEach(cleanUp);

  it('goes on without a destination that is away, says what is left, and does only that the next time', async () => {
    const site = await changeRecipients(made);
    await rename(path.join(folder, 'vault'), path.join(folder, 'unplugged'));
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'partial');
    assert.deepEqual(
      report.places.map(({ place, pass }) => [place, pass]),
      [
        ['repository', 'done'],
        ['vault', 'away'],
        ['second', 'done'],
      ],
    );
    assert.deepEqual(
      report.problems.map(({ place, code }) => [place, code]),
      [['vault', 'unreachable']],
    );
    assert.ok(report.problems[0]?.remedy);
    await rename(path.join(folder, 'unplugged'), path.join(folder, 'vault'));
    const again = await rotate(site, [made.fresh]);
    assert.equal(again.outcome, 'complete');
    assert.deepEqual(
      again.places.map(({ place, rewritten }) => [place, rewritten]),
      [
        ['repository', 0],
        ['vault', 2],
        ['second', 0],
      ],
    );
  });

  it('of one place alone: the next copy there takes nothing of it back', async () => {
    const site = await changeRecipients(made);
    assert.equal((await rotate(site, [made.fresh], 'vault')).outcome, 'complete');
    await writeFile(made.data, 'what came after\n');
    assert.match(await backUp(site, '2026-11-24T02:00:00Z'), /incremental$/);
    const opens = await opening(path.join(folder, 'vault'), made.identities[0]);
    assert.deepEqual(Object.values(opens), [
      [false, false],
      [false, false],
      [false, false],
    ]);
    const to = path.join(folder, 'restored');
    const store = openDestination('vault', withIdentities(site, [await freshHolder()]));
    const catalogue = await listBackups(store);
    const chain = chainOf(catalogue, findBackup(catalogue, '20261124T020000Z-incremental'));
    await restoreBackup({
      site: withIdentities(site, [await freshHolder()]),
      store,
      chain,
      to,
      paths: [],
      work: testWork(),
    });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what came after\n');
  });

  async function freshHolder() {
    return { identity: (await readFile(made.fresh, 'utf8')).trim(), recipient: made.freshRecipient };
  }

  it('says of a place that may only be read what is left there, and why; the rest is done', async () => {
    const shelf = await smallFileSystem('4m');
    const file = path.join(folder, 'config.yaml');
    await writeFile(file, (await readFile(file, 'utf8')).replace(path.join(folder, 'vault'), shelf));
    for (const scheduled of ['2026-11-22T02:00:00Z', '2026-11-23T02:00:00Z'])
      await backUp(await loadSite({ file, env: process.env }), scheduled, ['vault']);
    const site = await changeRecipients(made);
    remount(shelf, 'ro');
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'partial');
    assert.deepEqual(
      report.places.map(({ place, rewritten, checked, left }) => [place, rewritten, checked, left]),
      [
        ['repository', 2, 2, 0],
        ['vault', 0, 2, 2],
        ['second', 2, 2, 0],
      ],
    );
    for (const { message, code } of report.problems) {
      assert.equal(code, 'refused');
      assert.match(message, /vault does not let key\.age be replaced: .*read-only/);
    }
    assert.equal(report.problems.length, 2);
    remount(shelf, 'rw');
    assert.equal((await rotate(site, [made.fresh])).outcome, 'complete');
  });

  describe('at a place that does not overwrite', () => {
    /** The real destination, but that it says no, or says yes and keeps what it has. */
    function stubborn(store: WritableStore, how: 'refuses' | 'ignores', what: RegExp): WritableStore {
      return {
        ...store,
        async putSmall(key, bytes, options) {
          if (!what.test(key)) return store.putSmall(key, bytes, options);
          if (how === 'refuses')
            throw new BackupError('access-denied', 'the identity may not overwrite', { remedy: 'none' });
        },
      };
    }

    for (const how of ['refuses', 'ignores'] as const) {
      for (const what of [/key\.age$/, /manifest\.json$/]) {
        it(`that ${how} ${what.source} says what cannot be done and why, and nothing is lost`, async () => {
          const site = await changeRecipients(made);
          const holders = await Promise.all(
            [made.identities[0], made.fresh].map(async (file) => {
              const identity = (await readFile(file, 'utf8')).trim();
              return { identity, recipient: file === made.fresh ? made.freshRecipient : made.oldRecipient };
            }),
          );
          const store = stubborn(openDestination('vault', site), how, what);
          const at = {
            store,
            folder: 'configs/stack/20261122T020000Z-full',
            place: 'vault',
            elsewhere: async () => undefined,
          };
          const { recipients } = site.config.encryption;
          await assert.rejects(
            rewrapKey({ ...at, holders, recipients, trusted: await trustedKeys(site) }),
            (error: BackupError) => {
              assert.equal(error.code, 'refused');
              assert.match(
                error.message,
                how === 'refuses'
                  ? /vault does not let .* be replaced: the identity may not/
                  : /vault took a new .* and what is read back/,
              );
              assert.match(error.remedy ?? '', /stays open to its old recipients.*until retention/);
              return true;
            },
          );
          const opens = (await opening(path.join(folder, 'vault'), made.identities[0]))[
            'configs/stack/20261122T020000Z-full'
          ];
          assert.equal(opens?.[0], true, 'what restores read is as it was');
        });
      }
    }
  });
});
