/** What somebody has done who may write where a vault keeps its records, or ask for inventories: what it cannot do. */
import assert from 'node:assert/strict';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { Glacier } from '@aws-sdk/client-glacier';
import { listAll } from '../../../../activities/storage/list-all.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp } from '../../../support/folders.ts';
import { ANYBODY, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { startGateway, stopGateways } from '../../../support/versitygw.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf as s3ContextOf, makeBucket } from '../s3/place.ts';
import { NEAR, thaw } from './place.ts';
import { bytes, KEY, openStored, writeObject, type Stored } from './stored.ts';

export function forgedSuite(given: () => Vaults): void {
  describe('records of a vault that somebody else has written', () => {
    let vaults: Vaults;
    let context: Stored['context'];
    let cold: Stored['cold'];
    let store: Stored['store'];
    let onlyRecord: Stored['onlyRecord'];
    let forge: Stored['forge'];
    let report: Stored['report'];

    before(async () => {
      vaults = given();
    });
    beforeEach(async () => {
      ({ context, cold, store, onlyRecord, forge, report } = await openStored(vaults));
    });
    after(async () => {
      await stopGateways();
      await cleanUp();
    });

    it('of two records the one of the bytes that the manifest names counts, whatever somebody has added', async () => {
      await store();
      await forge({ archiveId: 'forged', sha256: 'f'.repeat(64), uploaded: new Date().toISOString() });
      await thaw(cold, KEY);
      assert.deepEqual(await cold.digest(KEY, testWork()), storedOf(bytes));
    });

    it('one of a time that has not come counts behind all others, and is missing by the inventory', async () => {
      await store();
      await forge({ archiveId: 'forged', uploaded: '2999-01-01T00:00:00.000Z' });
      await thaw(cold, KEY);
      assert.deepEqual(await cold.digest(KEY, testWork()), storedOf(bytes));
      const found = await report();
      assert.deepEqual(found.missing, [{ key: KEY, archiveId: 'forged' }]);
      assert.deepEqual(await cold.inventory?.record(found), { added: 0, struckOff: 1 });
      assert.deepEqual((await report()).missing, []);
    });

    it('one under a name that is not its own counts for nothing, and disturbs nothing', async () => {
      await store();
      const { record } = await onlyRecord();
      const above = await forge({ archiveId: 'forged', uploaded: new Date().toISOString() });
      for (const fields of [
        { key: '../outside' },
        { key: 'yearly/other/base.age' },
        { bytes: 1 },
        { archiveId: 'x' },
      ]) {
        await writeFile(above, JSON.stringify({ ...record, archiveId: 'forged', ...fields }));
        const { missing, different, extra } = await report();
        assert.deepEqual([missing, different, extra], [[], [], []]);
      }
      await thaw(cold, KEY);
      assert.deepEqual(await cold.digest(KEY, testWork()), storedOf(bytes));
    });

    it('an archive that somebody put on record among those of a backup that is due goes with its own backup alone', async () => {
      await store();
      const { record: own } = await onlyRecord();
      const due = 'yearly/postgres/20200105T020000Z-full/base.tar.zst.age';
      await cold.put(due, await writeObject(), storedOf(bytes), testWork());
      await forge({ uploaded: '2020-01-01T00:00:00.000Z' }, due);
      const [different] = (await report()).different;
      assert.match(different?.found ?? '', new RegExp(`it was stored as ${KEY}`), 'the inventory tells it');
      // Struck off by the same hand, it is still known whose it is.
      const { own: name } = await onlyRecord();
      await copyFile(name, name.replace(/\.json$/, '.gone.json'));
      const pruner = (await cold.pruner()) ?? assert.fail('it may');
      await pruner.remove(due);
      assert.equal(await vaults.count(context.config.vault), 1);
      await rm(name.replace(/\.json$/, '.gone.json'));
      await thaw(cold, KEY);
      assert.equal(vaults.asked().at(-1)?.archiveId, own.archiveId);
      assert.deepEqual(await cold.digest(KEY, testWork()), storedOf(bytes));
      await pruner.remove(KEY);
      assert.equal(await vaults.count(context.config.vault), 0, 'and then it is paid for no longer');
    });

    it('are read as they were, at a bucket with versions, where somebody has put others over them', async () => {
      const gateway = await startGateway();
      const bucket = await makeBucket(gateway, { versions: true });
      const remote = { ...(await s3ContextOf(gateway, bucket)), name: NEAR };
      const there = destinationOf({ ...context, others: { [NEAR]: remote } });
      await there.put(KEY, await writeObject(), storedOf(bytes), testWork());
      const at = destinationOf(remote);
      const [{ key } = assert.fail('it has a record')] = await listAll(at, `vaults/cold/${KEY}.archive`);
      const good = JSON.parse(String(Buffer.from((await at.readSmall(key)) ?? []))) as object; // as the program has written it
      for (const other of ['no record', JSON.stringify({ ...good, archiveId: 'forged' })])
        await at.putSmall(key, Buffer.from(other), { replace: true });
      await thaw(there, KEY);
      assert.deepEqual(await there.digest(KEY, testWork()), storedOf(bytes));
    });

    it('takes no inventory that somebody has asked for in part, or in another form, for the whole one', async () => {
      await store();
      const { own, record } = await onlyRecord();
      await rm(own);
      await writeFile(
        own.replace(/\/\d{8}T\d{9}Z-/, '/20200101T000000000Z-'),
        JSON.stringify({ ...record, uploaded: '2020-01-01T00:00:00.000Z' }),
      );
      const admin = new Glacier({ endpoint: vaults.endpoint, region: 'us-east-1', credentials: ANYBODY });
      const of = { accountId: '-', vaultName: context.config.vault };
      const Type = 'inventory-retrieval';
      for (const InventoryRetrievalParameters of [{ Limit: '1' }, { StartDate: '2026-01-01T00:00:00Z' }])
        await admin.initiateJob({ ...of, jobParameters: { Type, InventoryRetrievalParameters } });
      await admin.initiateJob({ ...of, jobParameters: { Type, Format: 'CSV' } });
      assert.deepEqual(await cold.inventory?.look(), { state: 'none' });
      assert.deepEqual((await report()).missing, []);
      admin.destroy();
    });
  });
}
