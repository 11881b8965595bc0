/** Uploads to a vault in parts, on the stand-in: killed, cut, and with answers that were lost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Glacier } from '@aws-sdk/client-glacier';
import { listAll } from '../../../../activities/storage/list-all.ts';
import { uploadsIn } from '../../../../activities/storage/upload/uploads.ts';
import { storedOf } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { openProxy, type Proxy } from '../../../support/proxy.ts';
import type { Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, thaw, type VaultContext, type VaultOptions } from './place.ts';

const PUT_CHILD = new URL('../put-child.ts', import.meta.url);
const KEY = 'yearly/postgres/20260104T020000Z-full/base.tar.zst.age';
const MEBIBYTE = 2 ** 20;
const PART = 2 * MEBIBYTE;
const LANES = 2;

export function uploadSuite(given: () => Vaults): void {
  describe('uploads to a vault', () => {
    let vaults: Vaults;
    let proxy: Proxy;
    let context: VaultContext;
    let file: string;
    const bytes = randomBytes(6 * PART + 12_345);
    const expected = storedOf(bytes);

    before(async () => {
      vaults = given();
      file = path.join(await temporaryFolder(), 'object');
      await writeFile(file, bytes);
    });
    beforeEach(async () => {
      proxy = await openProxy(vaults.address);
      context = await fresh();
    });
    afterEach(async () => {
      await endChildren();
      await proxy.close();
    });
    after(async () => {
      await cleanUp();
    });

    function fresh(options: VaultOptions = {}): Promise<VaultContext> {
      const endpoint = `http://${proxy.address}`;
      return contextOf(vaults, { endpoint, partSize: PART, parallel: LANES, ...options });
    }
    async function remembered(what: 'uploads' | 'unrecorded'): Promise<readonly string[]> {
      return readdir(path.join(context.state, what, context.name)).catch(() => []);
    }
    /** It is there whole, once, and nothing is left of how it came there. */
    async function isStoredOnce(): Promise<void> {
      const destination = destinationOf(context);
      await thaw(destination, KEY);
      assert.deepEqual(await destination.digest(KEY, testWork()), expected);
      assert.equal(await vaults.count(context.config.vault), 1);
      assert.equal(vaults.uploads(context.config.vault), 0);
      assert.deepEqual([...(await remembered('uploads')), ...(await remembered('unrecorded'))], []);
    }

    it('sends parts that the vault confirms by their tree hashes, and is one archive then', async () => {
      await destinationOf(context).put(KEY, file, expected, testWork());
      await isStoredOnce();
    });

    for (const percent of [10, 50, 90]) {
      it(`P42 killed at ${percent} %, it goes on at the last acknowledged part: at most one part per lane is sent again`, async () => {
        const stopAt = (bytes.length * percent) / 100;
        const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt });
        await child.stopped();
        await child.signal('SIGKILL');
        const destination = destinationOf(context);
        assert.deepEqual(await listAll(destination, ''), [], 'nothing is listed of it');
        await destination.put(KEY, file, expected, testWork());
        const again = proxy.sent() - bytes.length;
        assert.ok(again < LANES * PART + MEBIBYTE, `${again} bytes were sent twice`);
        await isStoredOnce();
      });
    }

    it('killed when the vault had made it an archive and its answer was lost, it asks again and gets the same archive', async () => {
      const done = vaults.loseAnswer('glacier:CompleteMultipartUpload');
      const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: Number.MAX_SAFE_INTEGER });
      await done;
      await child.signal('SIGKILL');
      assert.deepEqual(await listAll(destinationOf(context), ''), [], 'it has no record, and is no copy');
      const sent = proxy.sent();
      await destinationOf(context).put(KEY, file, expected, testWork());
      assert.ok(proxy.sent() - sent < MEBIBYTE, 'no part is sent again');
      await isStoredOnce();
    });

    it('sends a part again that the vault holds otherwise, and that alone', async () => {
      const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 4 * PART });
      await child.stopped();
      await child.signal('SIGKILL');
      vaults.spoilParts(context.config.vault);
      await destinationOf(context).put(KEY, file, expected, testWork());
      const again = proxy.sent() - bytes.length;
      assert.ok(again < (LANES + 1) * PART + MEBIBYTE, `${again} bytes were sent twice`);
      await isStoredOnce();
    });

    it('begins anew where the vault has given the upload up', async () => {
      const child = startChild(PUT_CHILD, { context, key: KEY, file, expected, stopAt: 3 * PART });
      await child.stopped();
      await child.signal('SIGKILL');
      const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' };
      const admin = new Glacier({ endpoint: vaults.endpoint, region: 'us-east-1', credentials });
      const [name = ''] = await remembered('uploads');
      const { uploadId } = JSON.parse(
        await readFile(path.join(context.state, 'uploads', context.name, name), 'utf8'),
      ) as {
        uploadId: string; // as the program has written it
      };
      await admin.abortMultipartUpload({ accountId: '-', vaultName: context.config.vault, uploadId });
      await destinationOf(context).put(KEY, file, expected, testWork());
      await isStoredOnce();
    });

    it('goes on after the link was cut in the middle, in the same process', async () => {
      const destination = destinationOf(context);
      const work = testWork();
      const cutting = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 3 * PART && proxy.cut() };
      await assert.rejects(destination.put(KEY, file, expected, cutting), { code: 'unreachable' });
      assert.equal(vaults.uploads(context.config.vault), 1, 'it is kept for the next attempt');
      proxy.mend();
      await destination.put(KEY, file, expected, testWork());
      assert.ok(
        proxy.sent() - bytes.length < LANES * PART + MEBIBYTE,
        `${proxy.sent() - bytes.length} bytes sent twice`,
      );
      await isStoredOnce();
    });

    it('refuses a part that arrives with other bytes, and the next attempt is whole', async () => {
      proxy.garble();
      await assert.rejects(destinationOf(context).put(KEY, file, expected, testWork()), { code: 'failed' });
      await destinationOf(context).put(KEY, file, expected, testWork());
      await isStoredOnce();
    });

    for (const [right, partSize] of [
      ['glacier:UploadMultipartPart', PART],
      ['glacier:CompleteMultipartUpload', PART],
      ['glacier:UploadArchive', 16 * MEBIBYTE],
    ] as const) {
      it(`takes nothing for a copy that the vault confirms by another tree hash (${right})`, async () => {
        context = await fresh({ partSize });
        vaults.misname(right);
        await assert.rejects(destinationOf(context).put(KEY, file, expected, testWork()), {
          code: 'failed',
          message: /did not confirm .* its tree hash there is 0+, not [0-9a-f]{64}/,
        });
        assert.deepEqual(await listAll(destinationOf(context), ''), []);
        assert.deepEqual(await remembered('unrecorded'), []);
      });
    }

    it('forgets an upload that a process died over after the vault had made it an archive', async () => {
      const { vault } = context.config;
      const uploads = uploadsIn(path.join(context.state, 'uploads', context.name), vault);
      const other = { bucket: vault, object: KEY, uploadId: 'completed', ...expected, bytes: 1, partSize: PART };
      await uploads.release(await uploads.remember(other));
      assert.equal((await remembered('uploads')).length, 1);
      await destinationOf(context).put(KEY, file, expected, testWork());
      await isStoredOnce();
    });

    it('gives up an upload that an operator cancels, at once', async () => {
      const work = testWork();
      const cancelling = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 2 * PART && work.abort() };
      await assert.rejects(destinationOf(context).put(KEY, file, expected, cancelling), { code: 'aborted' });
      assert.equal(vaults.uploads(context.config.vault), 0);
      assert.deepEqual(await remembered('uploads'), []);
    });

    it('refuses a file that should be empty, and is not', async () => {
      await assert.rejects(destinationOf(context).put(KEY, file, storedOf(Buffer.alloc(0)), testWork()), {
        code: 'verification-failed',
      });
      assert.deepEqual(await listAll(destinationOf(context), ''), []);
    });

    it('what could not be put on record counts for a day, and for its own bytes alone', async () => {
      const folder = await temporaryFolder();
      context = await fresh({ partSize: 16 * MEBIBYTE, folder });
      vaults.before('glacier:UploadArchive', () => rename(folder, `${folder}-gone`));
      await assert.rejects(destinationOf(context).put(KEY, file, expected, testWork()), { code: 'unreachable' });
      await rename(`${folder}-gone`, folder);
      const other = path.join(await temporaryFolder(), 'object');
      await writeFile(other, bytes.toReversed());
      await destinationOf(context).put(KEY, other, storedOf(bytes.toReversed()), testWork());
      assert.equal(await vaults.count(context.config.vault), 2, 'other bytes are sent');
      const [name = ''] = await remembered('unrecorded');
      const memory = path.join(context.state, 'unrecorded', context.name, name);
      const old = { uploaded: new Date(Date.now() - 25 * 3_600_000).toISOString() };
      await writeFile(memory, JSON.stringify({ ...JSON.parse(await readFile(memory, 'utf8')), ...old }));
      await destinationOf(context).put(KEY, file, expected, testWork());
      assert.equal(await vaults.count(context.config.vault), 3, 'somebody may have deleted it meanwhile');
    });

    for (const [how, partSize] of [
      ['in parts', PART],
      ['in one request', 16 * MEBIBYTE],
    ] as const) {
      it(`${how}: what the vault has and could not be put on record is not sent again`, async () => {
        const folder = await temporaryFolder();
        context = await fresh({ partSize, folder });
        const work = testWork();
        const right = partSize === PART ? 'glacier:CompleteMultipartUpload' : 'glacier:UploadArchive';
        // The vault has it, and at the same moment the place of the records is gone.
        const hidden = `${folder}-gone`;
        vaults.before(right, () => rename(folder, hidden));
        await assert.rejects(destinationOf(context).put(KEY, file, expected, work), { code: 'unreachable' });
        await rename(hidden, folder);
        assert.equal((await remembered('unrecorded')).length, 1);
        const sent = proxy.sent();
        await destinationOf(context).put(KEY, file, expected, testWork());
        assert.ok(proxy.sent() - sent < MEBIBYTE, 'it is not sent again');
        await isStoredOnce();
      });
    }
  });
}
