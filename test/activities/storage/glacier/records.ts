/** What a vault keeps at another destination: apart from that one's own, and rebuilt from the vault's inventory when it is lost. */
import assert from 'node:assert/strict';
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { listAll } from '../../../../activities/storage/list-all.ts';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import { removeRest } from '../../../../activities/operations/prune/remove.ts';
import { walkPlace, type PlaceFolder } from '../../../../activities/operations/place/walk.ts';
import type { Destination } from '../../../../activities/storage/types.ts';
import { archiveRecord } from '../../../../model/archive-record.ts';
import { Glacier } from '@aws-sdk/client-glacier';
import { storedOf, testBackup } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { ANYBODY, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { startGateway, stopGateways } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf as s3ContextOf, makeBucket } from '../s3/place.ts';
import { NEAR, thaw } from './place.ts';
import { backup, bytes, KEY, keysOf, openStored, writeObject, type Stored } from './stored.ts';

const PUT_CHILD = new URL('../put-child.ts', import.meta.url);

export function recordsSuite(given: () => Vaults): void {
  describe('the records of a vault', () => {
    let vaults: Vaults;
    let context: Stored['context'];
    let cold: Stored['cold'];
    let near: Stored['near'];
    let folder: string;
    let store: Stored['store'];
    let onlyRecord: Stored['onlyRecord'];
    let report: Stored['report'];

    before(async () => {
      vaults = given();
    });
    beforeEach(async () => {
      ({ context, cold, near, folder, store, onlyRecord, report } = await openStored(vaults));
    });
    afterEach(endChildren);
    after(async () => {
      await stopGateways();
      await cleanUp();
    });

    it('are the backup everywhere but at the other destination, which holds them apart from its own', async () => {
      const own = testBackup({ tier: 'daily' });
      await near.putSmall(`${own.folder}/manifest.json`, encodeManifest(own.manifest), { replace: false });
      await store();
      const names = async (of: Destination) => (await listBackups(of)).map((each) => each.folder);
      assert.deepEqual(await names(cold), [backup.folder]);
      assert.deepEqual(await names(near), [own.folder], 'its catalogue has its own alone');
      const apart = Math.abs(((await cold.clock?.())?.getTime() ?? 0) - Date.now());
      assert.ok(apart < 60_000, 'the clock is that of the other destination');
      const walked: PlaceFolder[] = [];
      for await (const each of walkPlace(near)) walked.push(each);
      assert.deepEqual(
        walked.map(({ what, folder: each }) => [what, each]),
        [['backup', own.folder]],
        'and nothing is left over',
      );
      const expected = ['base.tar.zst.age', 'key.age', 'manifest.json'].map((name) => `${backup.folder}/${name}`);
      assert.deepEqual(await keysOf(cold), expected);
      const below = (await keysOf(near)).filter((key) => key !== `${own.folder}/manifest.json`);
      assert.ok(
        below.every((key) => key.startsWith(`vaults/cold/${backup.folder}/`)),
        below.join(' '),
      );
      const record = below.find((key) => key.includes('.archive/')) ?? '';
      const {
        archiveId: _id,
        uploaded: _time,
        treeHash: _hash,
        ...facts
      } = archiveRecord.parse(JSON.parse(await readFile(path.join(folder, record), 'utf8')));
      const { site, config } = context;
      assert.deepEqual(facts, {
        schema: 'mosaic-backup/archive@1',
        site,
        key: KEY,
        vault: config.vault,
        ...storedOf(bytes),
      });
    });

    it('hold the keys: the vault is no device beside that of its records, off-site only where those are, and doctor is told', async () => {
      assert.equal(await cold.device(), await near.device());
      for (const offsite of [true, false]) {
        const config = { type: 'directory', path: folder, offsite } as const;
        const remote = { name: NEAR, site: 'test', state: context.state, config };
        const there = destinationOf({ ...context, others: { [NEAR]: remote } });
        assert.equal(there.offsite, offsite);
        const weak = (await there.weaknesses?.()) ?? [];
        assert.deepEqual(
          weak.map(({ message }) => /keys of all that lies in the vault .* lie at "near"/.test(message)),
          offsite ? [] : [true],
        );
      }
      const nearby = destinationOf({ ...context, config: { ...context.config, offsite: false } });
      assert.equal(nearby.offsite, false);
    });

    it('are deleted with the archive, and nothing else of the other destination', async () => {
      await near.putSmall('daily/x/manifest.json', Buffer.from('{}'), { replace: false });
      await store();
      const pruner = (await cold.pruner()) ?? assert.fail('it may');
      for (const key of await keysOf(cold)) await pruner.remove(key);
      assert.equal(await vaults.count(context.config.vault), 0);
      assert.deepEqual(await keysOf(near), ['daily/x/manifest.json']);
    });

    it('a deletion that was cut off between the archive and its record is finished by the next one', async () => {
      await store();
      const pruner = (await cold.pruner()) ?? assert.fail('it may');
      vaults.before('glacier:DeleteArchive', () => rename(folder, `${folder}-gone`));
      await assert.rejects(pruner.remove(KEY), { code: 'unreachable' });
      await rename(`${folder}-gone`, folder);
      assert.equal(await vaults.count(context.config.vault), 0);
      assert.ok((await keysOf(cold)).includes(KEY), 'it is still known which archive it was');
      await pruner.remove(KEY);
      assert.ok(!(await keysOf(cold)).includes(KEY));
    });

    it('what was killed between the vault and its record is no copy; the inventory shows it, and it can be put on record', async () => {
      const input = {
        context,
        key: KEY,
        file: await writeObject(),
        expected: storedOf(bytes),
        stopAt: Number.MAX_SAFE_INTEGER,
      };
      const done = vaults.loseAnswer('glacier:UploadArchive');
      const child = startChild(PUT_CHILD, input);
      await done;
      await child.signal('SIGKILL');
      assert.equal(await vaults.count(context.config.vault), 1);
      assert.deepEqual(await keysOf(cold), []);
      await store();
      assert.equal(await vaults.count(context.config.vault), 2, 'the next put does not believe that it is there');
      const { extra, missing } = await report();
      assert.deepEqual(missing, []);
      assert.deepEqual(
        extra.map(({ of }) => of),
        [{ key: KEY, sha256: storedOf(bytes).sha256 }],
      );
      assert.deepEqual(await cold.inventory?.record(await report()), { added: 1, struckOff: 0 });
      assert.deepEqual((await report()).extra, []);
      await (await cold.pruner())?.remove(KEY);
      assert.equal(await vaults.count(context.config.vault), 0, 'so that it is deleted with its backup');
    });

    it('are made anew from the inventory when the other destination is lost', async () => {
      await store();
      await rm(path.join(folder, 'vaults'), { recursive: true });
      assert.deepEqual(await keysOf(cold), []);
      assert.deepEqual(await cold.inventory?.record(await report()), { added: 1, struckOff: 0 });
      assert.deepEqual(await keysOf(cold), [KEY]);
      await thaw(cold, KEY);
      assert.deepEqual(await cold.digest(KEY, testWork()), storedOf(bytes));
    });

    it('what somebody has deleted is missing by the inventory; struck off, it is stored again', async () => {
      await store();
      const { vault } = context.config;
      const { own, record } = await onlyRecord();
      await rm(own);
      // It was stored long before the inventory was made.
      const old = own.replace(/\/\d{8}T\d{9}Z-/, '/20200101T000000000Z-');
      await writeFile(old, JSON.stringify({ ...record, uploaded: '2020-01-01T00:00:00.000Z' }));
      assert.deepEqual((await report()).missing, []);
      await vaults.remove(vault, record.archiveId);
      await assert.rejects(thaw(cold, KEY), { code: 'not-found', message: /archive of .* is not in the vault/ });
      const found = await report();
      assert.deepEqual(found.missing, [{ key: KEY, archiveId: record.archiveId }]);
      assert.deepEqual(await cold.inventory?.record(found), { added: 0, struckOff: 1 });
      assert.ok(!(await keysOf(cold)).includes(KEY));
      await assert.rejects(async () => cold.thawing?.state(KEY), { code: 'not-found' });
      await store();
      assert.ok((await keysOf(cold)).includes(KEY));
      assert.equal(await vaults.count(vault), 1);
      assert.deepEqual((await report()).missing, []);
      await (await cold.pruner())?.remove(KEY);
      assert.ok(!(await keysOf(near)).some((key) => key.includes('.archive/')), 'with all that was noted of it');
    });

    it('an archive that was struck off and is there after all is deleted with its backup', async () => {
      await store();
      const { own } = await onlyRecord();
      await copyFile(own, own.replace(/\.json$/, '.gone.json'));
      assert.ok(!(await keysOf(cold)).includes(KEY));
      await (await cold.pruner())?.remove(KEY);
      assert.equal(await vaults.count(context.config.vault), 0);
    });

    it('what was stored within the hour is not missing, though it is not on the list', async () => {
      await store();
      await vaults.remove(context.config.vault, (await onlyRecord()).record.archiveId);
      assert.deepEqual((await report()).missing, []);
    });

    it('archives of other sites and programs are nobody’s that is known here, and are not put on record', async () => {
      const admin = new Glacier({ endpoint: vaults.endpoint, region: 'us-east-1', credentials: ANYBODY });
      const of = { key: KEY, sha256: storedOf(bytes).sha256 };
      for (const archiveDescription of [
        JSON.stringify({ site: 'another', ...of }),
        JSON.stringify({ site: 'test', ...of, key: '../outside' }),
        'holiday.zip',
        ' ',
      ])
        await admin.uploadArchive({ accountId: '-', vaultName: context.config.vault, archiveDescription, body: 'x' });
      admin.destroy();
      const found = await report();
      assert.deepEqual(
        found.extra.map((each) => each.of),
        [null, null, null, null],
      );
      assert.deepEqual(await cold.inventory?.record(found), { added: 0, struckOff: 0 });
      assert.deepEqual(await keysOf(cold), []);
    });

    it('records of a vault that the destination had before are of no use, and what is stored goes to its own', async () => {
      await store();
      const vault = await vaults.makeVault();
      const moved = destinationOf({ ...context, config: { ...context.config, vault } });
      await assert.rejects(async () => moved.thawing?.state(KEY), { code: 'not-found' });
      await moved.put(KEY, await writeObject(), storedOf(bytes), testWork());
      assert.equal(await vaults.count(vault), 1);
      await thaw(moved, KEY);
      assert.deepEqual(await moved.digest(KEY, testWork()), storedOf(bytes));
    });

    it('other bytes of the same name are stored, though what is there cannot be read', async () => {
      await store();
      const other = path.join(await temporaryFolder(), 'object');
      await writeFile(other, bytes.toReversed());
      await cold.put(KEY, other, storedOf(bytes.toReversed()), testWork());
      assert.equal(await vaults.count(context.config.vault), 2);
    });

    it('the inventory names an archive that is another than was confirmed', async () => {
      await store();
      const { own, record } = await onlyRecord();
      await writeFile(own, JSON.stringify({ ...record, treeHash: '0'.repeat(64) }));
      const { different, missing, extra } = await report();
      assert.deepEqual(
        different.map(({ key }) => key),
        [KEY],
      );
      assert.deepEqual([missing, extra], [[], []]);
    });

    it('are locked at a bucket that locks, and as long as their backup is to be kept', async () => {
      const gateway = await startGateway();
      const bucket = await makeBucket(gateway, { lock: true });
      const remote = { ...(await s3ContextOf(gateway, bucket, { lock: 'governance' })), name: NEAR };
      const locked = destinationOf({ ...context, others: { [NEAR]: remote } });
      const [until, later, last] = [2030, 2031, 2032].map((year) => new Date(`${year}-01-01T00:00:00Z`));
      assert.ok(until && later && last);
      await locked.put(KEY, await writeObject(), storedOf(bytes), testWork(), { until });
      const [record] = await listAll(destinationOf(remote), `vaults/cold/${KEY}.archive`);
      const lockOf = () => destinationOf(remote).lockedUntil?.(record?.key ?? '');
      assert.deepEqual(await lockOf(), until);
      await locked.keep(KEY, later);
      assert.deepEqual(await lockOf(), later);
      await locked.put(KEY, await writeObject(), storedOf(bytes), testWork(), { until: last });
      assert.deepEqual(await lockOf(), last);
      await thaw(locked, KEY);
      assert.deepEqual(await locked.digest(KEY, testWork()), storedOf(bytes));
    });

    it('nothing is left of a backup that is deleted while an artifact of it is struck off', async () => {
      await store();
      const { own } = await onlyRecord();
      await copyFile(own, own.replace(/\.json$/, '.gone.json'));
      await removeRest({ store: cold, pruner: (await cold.pruner()) ?? assert.fail('it may') }, backup.folder);
      assert.equal(await vaults.count(context.config.vault), 0);
      assert.deepEqual(await keysOf(near), []);
    });
  });
}
