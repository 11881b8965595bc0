/** Bringing back from a vault: what is asked for once, found again, and goes on where a connection was cut. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Glacier } from '@aws-sdk/client-glacier';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { openProxy } from '../../../support/proxy.ts';
import { ANYBODY, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { thawingConformance } from '../thawing.ts';
import { contextOf, thaw, type VaultOptions } from './place.ts';

const KEY = 'yearly/postgres/20260104T020000Z-full/base.tar.zst.age';
const MEBIBYTE = 2 ** 20;
const HOUR = 3_600_000;

export function thawSuite(given: () => Vaults): void {
  describe('what lies in a vault', () => {
    let vaults: Vaults;

    before(async () => {
      vaults = given();
    });
    after(async () => {
      await cleanUp();
    });

    thawingConformance('glacier', async () => {
      vaults.hold();
      const before = vaults.asked().length;
      return {
        context: await contextOf(vaults),
        hold: async () => vaults.hold(),
        release: async () => vaults.release(),
        asked: async () => vaults.asked().length - before,
      };
    });

    describe('beyond that', () => {
      const bytes = randomBytes(5 * MEBIBYTE + 3);

      beforeEach(() => {
        vaults.release();
        vaults.setTimes({});
      });

      async function stored(options: VaultOptions = {}) {
        const context = await contextOf(vaults, { partSize: 16 * MEBIBYTE, ...options });
        const file = path.join(await temporaryFolder(), 'object');
        await writeFile(file, bytes);
        await destinationOf(context).put(KEY, file, storedOf(bytes), testWork());
        return { context, file };
      }

      it('finds what was asked for when state was lost, and what another host has asked for', async () => {
        const { context } = await stored();
        const asked = vaults.asked().length;
        vaults.hold();
        await thaw(destinationOf(context), KEY);
        await rm(path.join(context.state, 'retrievals'), { recursive: true });
        const elsewhere = destinationOf({ ...context, state: await temporaryFolder() });
        for (const destination of [destinationOf(context), elsewhere]) {
          assert.equal((await destination.thawing?.state(KEY))?.state, 'thawing');
          await thaw(destination, KEY);
        }
        assert.equal(vaults.asked().length, asked + 1, 'it was paid for once');
      });

      it('does not ask again by itself when the answer was lost, and finds what it had asked for', async () => {
        const { context } = await stored({ timeout: 4_000 });
        const asked = vaults.asked().length;
        void vaults.loseAnswer('glacier:InitiateJob');
        await assert.rejects(thaw(destinationOf(context), KEY), { code: 'unreachable' });
        await thaw(destinationOf(context), KEY);
        assert.equal((await destinationOf(context).thawing?.state(KEY))?.state, 'readable');
        assert.equal(vaults.asked().length, asked + 1, 'it was paid for once');
      });

      it('goes by the clock of the vault: one of ours that is days ahead takes nothing that came for over', async () => {
        const { context } = await stored();
        const asked = vaults.asked().length;
        vaults.setTimes({ behind: 50 * HOUR });
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        assert.equal((await destination.thawing?.state(KEY))?.state, 'readable');
        await thaw(destination, KEY);
        assert.equal(vaults.asked().length, asked + 1, 'it was paid for once');
        await destination.inventory?.ask();
        assert.equal((await destination.inventory?.look())?.state, 'ready');
      });

      it('what the vault brought a day ago must be asked for again', async () => {
        const { context } = await stored();
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        vaults.setTimes({ done: 25 * HOUR });
        for (const each of [destination, destinationOf({ ...context, state: await temporaryFolder() })])
          assert.deepEqual(await each.thawing?.state(KEY), { state: 'frozen' });
        vaults.setTimes({ done: 23 * HOUR });
        assert.equal((await destination.thawing?.state(KEY))?.state, 'readable');
        await destination.inventory?.ask();
        vaults.setTimes({ done: 25 * HOUR });
        assert.deepEqual(await destination.inventory?.look(), { state: 'none' });
      });

      it('says so when what was thawed is over in the middle of a restore, and reads no more of it', async () => {
        const proxy = await openProxy(vaults.address);
        const { context } = await stored({ endpoint: `http://${proxy.address}` });
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        const over = {
          code: 'frozen',
          message: /can no longer be read .* kept for a day/,
          remedy: /copies thaw .* --from cold/,
        };
        vaults.before('glacier:GetJobOutput', async () => vaults.setTimes({ done: 25 * HOUR }));
        await assert.rejects(destination.open(KEY), over);
        vaults.setTimes({});
        const stream = await destination.open(KEY);
        await assert.rejects(async () => {
          for await (const _block of stream) {
            vaults.setTimes({ done: 25 * HOUR });
            proxy.cut();
            proxy.mend();
          }
        }, over);
        await proxy.close();
      });

      it('takes no job for it that brings a part, or another archive', async () => {
        const { context } = await stored();
        const { vault } = context.config;
        const admin = new Glacier({ endpoint: vaults.endpoint, region: 'us-east-1', credentials: ANYBODY });
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        const memory = path.join(context.state, 'retrievals', context.name);
        const [name = ''] = await readdir(memory);
        const file = path.join(memory, name);
        const ArchiveId = vaults.asked().at(-1)?.archiveId ?? '';
        const other = await admin.uploadArchive({ accountId: '-', vaultName: vault, body: 'another' });
        for (const jobParameters of [
          { Type: 'archive-retrieval', ArchiveId, RetrievalByteRange: `0-${MEBIBYTE - 1}` },
          { Type: 'archive-retrieval', ArchiveId: other.archiveId },
        ]) {
          const { jobId } = await admin.initiateJob({ accountId: '-', vaultName: vault, jobParameters });
          await writeFile(file, JSON.stringify({ archiveId: ArchiveId, jobId }));
          const found = destination.digest(KEY, testWork());
          assert.deepEqual(await found, storedOf(bytes), 'the job that brings all of it is found');
        }
        admin.destroy();
      });

      it('asks with the speed that is wanted', async () => {
        const { context } = await stored();
        await destinationOf(context).thawing?.ask(KEY, { speed: 'bulk', days: 1 });
        assert.equal(vaults.asked().at(-1)?.tier, 'Bulk');
      });

      it('goes on at the byte where a connection was cut', async () => {
        const proxy = await openProxy(vaults.address);
        const { context } = await stored({ endpoint: `http://${proxy.address}` });
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        const stream = await destination.open(KEY);
        let cuts = 0;
        const chunks: Buffer[] = [];
        for await (const chunk of stream) {
          chunks.push(chunk as Buffer); // a stream of bytes
          if (cuts > 0) continue;
          cuts += 1;
          proxy.cut();
          proxy.mend();
        }
        assert.ok(Buffer.concat(chunks).equals(bytes));
        await proxy.close();
      });

      it('reads the newest archive even while an older, damaged one could be read at once', async () => {
        const { context, file } = await stored();
        const destination = destinationOf(context);
        await thaw(destination, KEY);
        vaults.damage(vaults.asked().at(-1)?.archiveId ?? '');
        assert.notDeepEqual(await destination.digest(KEY, testWork()), storedOf(bytes));
        await destination.put(KEY, file, storedOf(bytes), testWork());
        assert.deepEqual(await destination.thawing?.state(KEY), { state: 'frozen' }, 'the good one lies frozen');
        await destination.put(KEY, file, storedOf(bytes), testWork());
        assert.equal(await vaults.count(context.config.vault), 2, 'and is not stored once more');
        await thaw(destination, KEY);
        assert.ok((await buffer(await destination.open(KEY))).equals(bytes));
      });

      it('says that a right lacks, and which file gives it', async () => {
        const { context } = await stored();
        vaults.allow(['glacier:ListJobs']);
        await assert.rejects(thaw(destinationOf(context), KEY), {
          code: 'access-denied',
          message: /lack the right glacier:InitiateJob/,
          remedy: /glacier-restore-policy\.json/,
        });
        vaults.allow(undefined);
        assert.deepEqual(await readdir(path.join(context.state, 'retrievals')).catch(() => []), []);
      });
    });
  });
}
