/** Backups that build on each other in a vault: thawed, and their keys rotated, which rewrites what lies elsewhere and asks for nothing. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { thawStep } from '../../../../activities/operations/thaw/step.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { chainOf, listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { thawHere } from '../../../../client/thaw/here.ts';
import { planThaw } from '../../../../client/thaw/plan.ts';
import { archiveRecord } from '../../../../model/archive-record.ts';
import { mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMoto, stopMoto } from '../../../support/moto/index.ts';
import { backUp, changeRecipients, makeRotatable, opening, rotate, type Rotatable } from '../../../support/rotated.ts';
import { startVaults, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { credentialFiles } from '../../../support/versitygw.ts';
import { runCommand } from '../../../support/worker-process.ts';
import { testWork } from '../../../support/work.ts';

describe('backups that build on each other in a vault', function () {
  this.timeout(120_000);
  let vaults: Vaults;
  let folder: string;
  let made: Rotatable;
  let vault: string;
  /** Where the vault's manifests and keys lie. */
  let root: string;

  before(async () => {
    vaults = await startVaults((await startMoto()).endpoint);
    folder = await temporaryFolder();
    vault = await vaults.makeVault();
    root = path.join(folder, 'near', 'vaults', 'cold');
    made = await makeRotatable(folder, {
      destinations: {
        near: { type: 'directory', path: path.join(folder, 'near'), tiers: ['weekly'] },
        cold: {
          type: 'glacier',
          vault,
          manifests: 'near',
          endpoint: vaults.endpoint,
          credentials: await credentialFiles(folder),
          thaw: { interval: '100ms' },
        },
      },
    });
    await backUp(made.site, '2026-11-22T02:00:00Z', ['cold']);
    await writeFile(made.data, 'what was there then\n');
    await backUp(made.site, '2026-11-23T02:00:00Z', ['cold']);
  });
  after(async () => {
    await vaults.close();
    await stopMoto();
    await cleanUp();
  });

  it('what two backups build on is asked for once, though both are thawed at the same moment', async () => {
    vaults.hold();
    const { site } = made;
    const store = openDestination('cold', site);
    const catalogue = await listBackups(store);
    const plans = await Promise.all(
      catalogue.map((backup) =>
        planThaw({ site, destination: 'cold', store, chain: chainOf(catalogue, backup), replay: null }),
      ),
    );
    // Time enough for another look to see that it lies frozen.
    vaults.before('glacier:InitiateJob', () => pause(500));
    const [full, both] = await Promise.all(plans.map(({ input }) => thawStep({ site, input, work: testWork() })));
    assert.ok(full && both && both.all.objects > full.all.objects);
    assert.deepEqual([full.thawing, both.thawing], [full.all, both.all]);
    const archives = vaults.asked().map(({ archiveId }) => archiveId);
    assert.equal(archives.length, both.all.objects);
    assert.equal(new Set(archives).size, archives.length);
  });

  it('P43 keys and manifests are rewritten, killed in between too; archives stay as they are, and restore with the new key alone', async () => {
    const asked = vaults.asked().length;
    const archives = await vaults.count(vault);
    assert.ok(archives > 0);
    const site = await changeRecipients(made);
    const point = {
      at: 'activities/storage/durable.ts#publish',
      when: 'left',
      matching: '/near/.*/key\\.age$',
    } as const;
    const args = ['-c', made.file, 'keys', 'rotate', '--direct', '--identity', made.fresh];
    const killed = await runCommand({ args, owner: folder, point, reached: path.join(folder, 'reached') });
    assert.equal(killed.code, null, killed.output);
    for (const opens of Object.values(await opening(root, made.identities[1])))
      assert.deepEqual(opens, [true, true], 'whoever stays opens it all the while');
    const report = await rotate(site, [made.fresh]);
    assert.equal(report.outcome, 'complete', JSON.stringify(report.problems));
    const opened = Object.values(await opening(root, made.fresh));
    assert.deepEqual(opened, [
      [true, true],
      [true, true],
    ]);
    for (const opens of Object.values(await opening(root, made.identities[0]))) assert.deepEqual(opens, [false, false]);
    assert.equal(await vaults.count(vault), archives);
    assert.equal(vaults.asked().length, asked, 'nothing is asked for, and nothing paid');
    const verified = await mosaicHere(['-c', made.file, 'verify', '--destination', 'cold']);
    assert.equal(verified.code, 3, verified.stdout + verified.stderr);

    vaults.release();
    // A restore of its files does without the inventory.
    await rm(path.join(root, await recordOf('inventory')));
    await rm(site.repository, { recursive: true });
    await writeFile(made.identities[0], await readFile(made.fresh));
    const store = openDestination('cold', site);
    const catalogue = await listBackups(store);
    const newest = catalogue.at(-1) ?? assert.fail('there are two');
    const chain = chainOf(catalogue, newest);
    const { input, waits, facts } = await planThaw({ site, destination: 'cold', store, chain, replay: null });
    const work = testWork();
    assert.equal(facts.all.objects, asked - 1);
    assert.equal((await thawHere({ site, input, waits, work, onProgress: () => {} }))?.outcome, 'complete');
    const to = path.join(folder, 'restored');
    await restoreBackup({ site, store, chain, to, paths: [], work });
    assert.equal(await readFile(path.join(to, made.data), 'utf8'), 'what was there then\n');
    const base = await recordOf('base');
    const { archiveId } = archiveRecord.parse(JSON.parse(await readFile(path.join(root, base), 'utf8')));
    await vaults.remove(vault, archiveId);
    vaults.setTimes({ done: 25 * 3_600_000 });
    await assert.rejects(thawStep({ site, input, work }), { code: 'not-found', message: /somebody has deleted it/ });
    await rm(path.join(root, base));
    await assert.rejects(thawStep({ site, input, work }), { code: 'not-found' });
  });

  /** The record of an artifact of the newest backup. */
  async function recordOf(name: string): Promise<string> {
    const records = (await readdir(root, { recursive: true })).filter((file) => file.includes(`/${name}.`));
    const own = records.filter((file) => /\.archive\/.*\.json$/.test(file)).toSorted();
    return own.at(-1) ?? assert.fail(name);
  }
});
