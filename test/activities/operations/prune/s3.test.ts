/** Prune and repair of a real bucket with Object Lock. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import { verifyPlace } from '../../../../activities/operations/place/verify-place.ts';
import type { PruneRequest } from '../../../../activities/operations/prune/index.ts';
import { repairPlace } from '../../../../activities/operations/repair/places.ts';
import { repairBackup } from '../../../../activities/operations/repair/repair.ts';
import type { RepairPlace } from '../../../../activities/operations/repair/types.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { openRepository, repositoryStore } from '../../../../activities/storage/repository.ts';
import type { S3Destination } from '../../../../model/config/destinations/s3.ts';
import { formatReference } from '../../../../model/reference.ts';
import { cleanUp } from '../../../support/folders.ts';
import { startGateway, stopGateways, type Gateway } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../../storage/destination-of.ts';
import { contextOf, listed, makeBucket } from '../../storage/s3/place.ts';
import { DAY, openLab, verdicts } from './lab.ts';

describe('retention of a bucket', () => {
  let gateway: Gateway;

  before(async () => {
    gateway = await startGateway();
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  it('deletes for good what is due, keeps what a lock keeps with its parent, and nothing without an identity that may', async () => {
    const lab = await openLab();
    const bucket = await makeBucket(gateway, { lock: true });
    const context = await contextOf(gateway, bucket, { lock: 'governance' });
    const { prune: _prune, ...writing } = context.config;
    const opening = (config: S3Destination) => {
      const destination = destinationOf({ ...context, name: 'vault', config });
      const open: NonNullable<PruneRequest['open']> = (name, site) =>
        name === 'vault' ? destination : openDestination(name, site);
      return { destination, open };
    };
    const { destination: to, open } = opening(context.config);
    const gone = await lab.at(['repository'], 14);
    const full = await lab.at(['repository'], 12);
    const child = await lab.at(['repository'], 11, { parent: full.manifest });
    const fresh = [await lab.at(['repository'], 1), await lab.at(['repository'], 0)];
    const from = repositoryStore(lab.site.repository);
    const catalogue = await listBackups(from);
    for (const backup of catalogue) await copyBackup({ site: lab.site, from, to, backup, catalogue, work: testWork() });
    for (const { key } of await listed(to.list(child.folder))) await to.keep(key, new Date(lab.now + DAY));

    const told = await lab.run({ open: opening(writing).open });
    assert.deepEqual(
      told.summary.places.filter(({ place }) => place === 'vault').map((each) => [each.mayDelete, each.left.backups]),
      [[false, 1]],
    );
    const pruned = await lab.run({ open });
    assert.deepEqual(pruned.summary.places[1]?.problems, []);
    assert.deepEqual(verdicts(pruned, 'vault'), {
      [gone.folder]: 'delete: expired',
      [full.folder]: 'due: expired parent',
      [child.folder]: 'due: expired locked',
      ...Object.fromEntries(fresh.map(({ folder }) => [folder, 'keep: period'])),
    });
    assert.deepEqual(
      (await listBackups(to)).map(({ folder }) => folder),
      [full, child, ...fresh].map(({ folder }) => folder),
    );
    const { Versions = [], DeleteMarkers = [] } = await gateway.admin.listObjectVersions({
      Bucket: bucket,
      Prefix: gone.folder,
    });
    assert.deepEqual([Versions.length, DeleteMarkers.length], [0, 0], 'no version of it is left');
  });

  it('has what a repair puts anew locked as the rest is, as long as what builds on it, and tells what is not locked', async () => {
    const lab = await openLab();
    // What these backups hold does not decrypt, nor do their keys.
    const { identity: _identity, ...encryption } = lab.site.config.encryption;
    const site = { ...lab.site, config: { ...lab.site.config, encryption } };
    const bucket = await makeBucket(gateway, { lock: true });
    const context = await contextOf(gateway, bucket, { lock: 'governance' });
    const to = destinationOf({ ...context, name: 'vault' });
    const full = await lab.at(['repository'], 2);
    const child = await lab.at(['repository'], 0, { parent: full.manifest });
    const from = repositoryStore(site.repository);
    const catalogue = await listBackups(from);
    for (const backup of catalogue) await copyBackup({ site, from, to, backup, catalogue, work: testWork() });
    const artifact = `${full.folder}/base.tar.zst.age`;
    const locked = await to.lockedUntil?.(artifact);
    const [own, childs] = [full, child].map(({ manifest: { scheduled } }) => Date.parse(scheduled) + 7 * DAY);
    assert.equal(locked?.getTime(), childs, 'and the parent as long as its last child');
    assert.notEqual(own, childs);
    // What a disk does, below the server.
    const file = path.join(gateway.root, bucket, artifact);
    await writeFile(file, Buffer.from(await readFile(file)).fill('x', 0, 4));
    const target: RepairPlace = { name: 'vault', destination: 'vault', store: to, put: (...put) => to.put(...put) };
    const sources = [await repairPlace(site, null)];
    const request = { site, wanted: { backup: full, catalogue }, target, sources, dryRun: false, work: testWork() };
    const done = await repairBackup(request);
    assert.deepEqual(
      [done.state, done.repairs.map(({ object }) => object)],
      ['repaired', ['base.tar.zst.age']],
      done.why ?? '',
    );
    assert.ok(locked);
    assert.deepEqual(await to.lockedUntil?.(artifact), locked);

    // Copied by somebody who locks nothing.
    const { lock: _lock, ...open } = context.config;
    const unlocked = await lab.at(['repository'], 1);
    const careless = destinationOf({ ...context, name: 'vault', config: open });
    await copyBackup({ site, from, to: careless, backup: unlocked, catalogue: [unlocked], work: testWork() });
    const repository = await openRepository(site);
    const verifying = { site, store: to, destination: 'vault', repository, others: [], tell: () => {} };
    const { problems } = await verifyPlace({ ...verifying, work: testWork() });
    assert.deepEqual(
      problems.map(({ problem, of }) => [problem, of]),
      [['unlocked', formatReference(unlocked.name)]],
    );
  });
});
