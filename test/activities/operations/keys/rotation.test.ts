import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadSite } from '../../../../activities/config/load.ts';
import { newIdentity, unwrapIdentity, wrapIdentity } from '../../../../activities/keys/identity.ts';
import { withIdentities } from '../../../../activities/keys/at-hand.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { verifyBackup } from '../../../../activities/operations/verify.ts';
import type { Site } from '../../../../activities/site.ts';
import { chainOf, findBackup, listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { encodeManifest, manifestDigest } from '../../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { BackupError } from '../../../../model/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { backUp, changeRecipients, makeRotatable, opening, rotate, type Rotatable } from '../../../support/rotated.ts';
import { runCommand } from '../../../support/worker-process.ts';
import { testWork } from '../../../support/work.ts';

describe('rotation of recipients', () => {
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

  async function digests(root: string): Promise<readonly string[]> {
    return (await listBackups(repositoryStore(root))).map(({ manifest }) => manifestDigest(manifest));
  }

  /** The newest, with one identity and nothing else, from a place. */
  async function restoredWith(site: Site, identityFile: string, root: string): Promise<string> {
    const identity = (await readFile(identityFile, 'utf8')).trim();
    const store = repositoryStore(root);
    const catalogue = await listBackups(store);
    const chain = chainOf(catalogue, findBackup(catalogue, '20261123T020000Z-incremental'));
    const to = path.join(await temporaryFolder(), 'restored');
    await restoreBackup({
      site: withIdentities(site, [{ identity, recipient: '' }]),
      store,
      chain,
      to,
      paths: [],
      work: testWork(),
    });
    return readFile(path.join(to, made.data), 'utf8');
  }

  it('opens every backup everywhere to the recipients of now and to nobody else, restores with the new key alone, and breaks no chain', async () => {
    const before = await digests(made.site.repository);
    const site = await changeRecipients(made);
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
    assert.deepEqual(
      report.places.map(({ place, backups, rewritten, checked, left }) => [place, backups, rewritten, checked, left]),
      [
        ['repository', 2, 2, 2, 0],
        ['vault', 2, 2, 2, 0],
        ['second', 2, 2, 2, 0],
      ],
    );
    assert.deepEqual(
      report.proofs.map(({ source, recipient, ok }) => [source, recipient, ok]),
      [['stack', made.freshRecipient, true]],
    );
    for (const root of made.places) {
      for (const [folder, opens] of Object.entries(await opening(root, made.fresh)))
        assert.deepEqual(opens, [true, true], folder);
      for (const [folder, opens] of Object.entries(await opening(root, made.identities[1])))
        assert.deepEqual(opens, [true, true], folder);
      for (const [folder, opens] of Object.entries(await opening(root, made.identities[0])))
        assert.deepEqual(opens, [false, false], folder);
      assert.deepEqual(await digests(root), before, 'no signed form has changed');
      assert.equal(await restoredWith(site, made.fresh, root), 'what was there then\n');
      const [one, two] = await Promise.all(
        [root, made.site.repository].map((each) =>
          readFile(path.join(each, 'configs/stack/20261122T020000Z-full/key.age')),
        ),
      );
      assert.ok(one && two?.equals(one), 'copies have the same bytes');
    }
    // The chain goes on: the next incremental builds on what was rotated, and its copy is whole.
    await writeFile(made.data, 'what came after\n');
    const next = await backUp(site, '2026-11-24T02:00:00Z');
    assert.match(next, /incremental$/);
    const store = openDestination('second', site);
    const catalogue = await listBackups(store);
    const found = await verifyBackup({
      site,
      store,
      destinationName: 'second',
      backup: findBackup(catalogue, next),
      catalogue,
      work: testWork(),
    });
    assert.equal(found.verdict, 'ok', JSON.stringify(found.checks));
    // And again there is nothing to do.
    const again = await rotate(site, [made.fresh]);
    assert.deepEqual([again.outcome, again.places.reduce((sum, { rewritten }) => sum + rewritten, 0)], ['complete', 0]);
  });

  it('leaves every backup open to the old key or the new one wherever it is killed, and the same again finishes it', async () => {
    const site = await changeRecipients(made);
    const pristine = path.join(folder, 'pristine');
    for (const root of made.places) await cp(root, path.join(pristine, path.basename(root)), { recursive: true });
    const point = {
      at: 'activities/storage/durable.ts#publish',
      when: 'left',
      matching: '/(manifest\\.json|key\\.age)$',
    } as const;
    // Two files of two backups at three places, which makes twelve; before the first of them nothing is changed.
    for (const nth of [1, 2, 3, 4, 7, 12]) {
      for (const root of made.places) {
        await rm(root, { recursive: true });
        await cp(path.join(pristine, path.basename(root)), root, { recursive: true });
      }
      const args = ['-c', made.file, 'keys', 'rotate', '--direct', '--identity', made.fresh];
      const reached = path.join(folder, `reached-${nth}`);
      const killed = await runCommand({ args, owner: folder, point: { ...point, nth }, reached });
      assert.equal(killed.code, null, killed.output);
      let written = 0;
      for (const root of made.places) {
        const [old, fresh] = [await opening(root, made.identities[0]), await opening(root, made.fresh)];
        for (const [backup, byOld] of Object.entries(old)) {
          const byFresh = fresh[backup] ?? [false, false];
          assert.ok(
            [...byOld, ...byFresh].filter(Boolean).length >= 2,
            `${backup} after ${nth}: both wraps open to somebody`,
          );
          written += byFresh.filter(Boolean).length;
        }
        // Whoever has both, as in a rotation, restores through the product at once.
        assert.equal(await restoredWith(site, made.identities[1], root), 'what was there then\n');
      }
      // What another backup beside it had begun may be written as well.
      assert.ok(written >= nth && written <= nth + 2, `${written} files after ${nth}`);
      if (nth % 2 === 0) continue;
      const finished = await rotate(site, [made.fresh]);
      assert.equal(finished.outcome, 'complete', JSON.stringify(finished.problems));
      for (const root of made.places)
        for (const opens of Object.values(await opening(root, made.identities[0])))
          assert.deepEqual(opens, [false, false]);
    }
  }).timeout(180_000);

  it('is refused before anything is changed where no identity at hand is of a recipient of now', async () => {
    const site = await changeRecipients(made);
    await assert.rejects(rotate(site, []), (error: BackupError) => {
      assert.equal(error.code, 'missing-identity');
      assert.match(error.remedy ?? '', /--identity FILE/);
      return true;
    });
    for (const opens of Object.values(await opening(made.site.repository, made.identities[0])))
      assert.deepEqual(opens, [true, true]);
  });

  it('does not make a key that somebody put there its own, nor a manifest that nobody signed', async () => {
    const site = await changeRecipients(made);
    const swapped = path.join(folder, 'vault/configs/stack/20261122T020000Z-full');
    const changed = path.join(folder, 'second/configs/stack/20261123T020000Z-incremental');
    const { identity } = await newIdentity();
    await putKey(swapped, await wrapIdentity(identity, made.site.config.encryption.recipients));
    const text = await readFile(path.join(changed, 'manifest.json'), 'utf8');
    await writeFile(path.join(changed, 'manifest.json'), text.replace('"fuzzy"', '"crash"'));
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'partial');
    assert.deepEqual(
      report.problems.map(({ place, backup, code }) => [place, backup, code]),
      [
        ['vault', 'daily/stack/20261122T020000Z-full', 'verification-failed'],
        ['second', 'daily/stack/20261123T020000Z-incremental', 'not-authentic'],
      ],
    );
    assert.match(report.problems[0]?.message ?? '', /does not open it/);
    assert.equal(await readFile(path.join(changed, 'manifest.json'), 'utf8'), text.replace('"fuzzy"', '"crash"'));
    assert.equal(
      await unwrapIdentity(
        await readFile(path.join(swapped, 'key.age'), 'utf8'),
        await readFile(made.identities[0], 'utf8'),
      ),
      identity,
      'left as it was',
    );
  });

  async function putKey(at: string, key: string): Promise<void> {
    const file = path.join(at, 'manifest.json');
    const manifest: unknown = JSON.parse(await readFile(file, 'utf8'));
    assert.ok(typeof manifest === 'object');
    await writeFile(file, JSON.stringify({ ...manifest, key }));
    await writeFile(path.join(at, 'key.age'), key);
  }

  it('takes no wrap over from the repository that holds another key than the copy', async () => {
    const site = await changeRecipients(made);
    const { identity } = await newIdentity();
    const wrong = await wrapIdentity(identity, site.config.encryption.recipients);
    await putKey(path.join(site.repository, 'configs/stack/20261122T020000Z-full'), wrong);
    const report = await rotate(site, [made.fresh]);
    assert.deepEqual(
      report.problems.map(({ place, code }) => [place, code]),
      [['repository', 'verification-failed']],
    );
    assert.deepEqual(
      report.places.map(({ place, left }) => [place, left]),
      [
        ['repository', 1],
        ['vault', 0],
        ['second', 0],
      ],
    );
    assert.equal(await restoredWith(site, made.fresh, path.join(folder, 'vault')), 'what was there then\n');
  });

  it('of two wraps with different keys takes the one that opens the artifacts', async () => {
    const site = await changeRecipients(made);
    const at = path.join(folder, 'vault/configs/stack/20261122T020000Z-full');
    const { identity } = await newIdentity();
    const atVault = await listBackups(repositoryStore(path.join(folder, 'vault')));
    const backup = atVault.find(({ folder: key }) => at.endsWith(key));
    assert.ok(backup);
    const wrong = await wrapIdentity(identity, made.site.config.encryption.recipients);
    await writeFile(path.join(at, 'manifest.json'), encodeManifest({ ...backup.manifest, key: wrong }));
    // So does a restore.
    const vault = path.join(folder, 'vault');
    assert.equal(await restoredWith(site, made.identities[0], vault), 'what was there then\n');
    assert.equal((await rotate(site, [made.fresh])).outcome, 'complete');
    const opened = await unwrapIdentity(
      await readFile(path.join(at, 'key.age'), 'utf8'),
      await readFile(made.fresh, 'utf8'),
    );
    assert.notEqual(opened, identity);
  });

  it('what a kill left of two wraps restores with the old key, and with the new one', async () => {
    const root = path.join(folder, 'vault');
    for (const { folder: key, manifest } of await listBackups(repositoryStore(root))) {
      const own = await unwrapIdentity(manifest.key, await readFile(made.identities[0], 'utf8'));
      const alone = await wrapIdentity(own, [made.oldRecipient]);
      await writeFile(path.join(root, key, 'manifest.json'), encodeManifest({ ...manifest, key: alone }));
      await writeFile(path.join(root, key, 'key.age'), await wrapIdentity(own, [made.freshRecipient]));
    }
    for (const file of [made.identities[0], made.fresh])
      assert.equal(await restoredWith(made.site, file, root), 'what was there then\n');
    await assert.rejects(restoredWith(made.site, made.identities[1], root), { code: 'missing-identity' });
  });

  it('a change of the config meanwhile ends it', async () => {
    const site = await changeRecipients(made);
    const { recipients } = made.site.config.encryption;
    const { rotatePage } = await import('../../../../activities/operations/keys/page.ts');
    const page = {
      at: { place: 'vault', host: site.host },
      pass: 'rewrite',
      after: null,
      limit: 9,
      recipients,
      identities: [],
    } as const;
    await assert.rejects(
      rotatePage({ ...page, site: await loadSite({ file: made.file, env: process.env }), work: testWork() }),
      { code: 'conflict' },
    );
  });
});
