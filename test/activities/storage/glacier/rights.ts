/** The rights of infra/roles, which the stand-in and moto hold everybody to: the writing identity has exactly those, and cannot delete. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Destination } from '../../../../activities/storage/types.ts';
import { storedOf } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeUser, whileChecked } from '../../../support/moto/users.ts';
import type { Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf } from '../destination-of.ts';
import { contextOf, credentialsOf, thaw, type VaultContext } from './place.ts';

const ROLES = new URL('../../../../infra/roles/', import.meta.url);
const KEY = 'yearly/postgres/20260104T020000Z-full/base.tar.zst.age';
const MEBIBYTE = 2 ** 20;

export function rightsSuite(given: () => Vaults): void {
  describe('rights of a vault', () => {
    let vaults: Vaults;
    let context: VaultContext;
    let file: string;
    const bytes = randomBytes(3 * MEBIBYTE);

    before(async () => {
      vaults = given();
      context = await contextOf(vaults, { partSize: MEBIBYTE });
      vaults.allow(await rightsOf('glacier-policy.json'), 'writer');
      vaults.allow(await rightsOf('glacier-prune-policy.json'), 'pruner');
      vaults.allow(await rightsOf('glacier-restore-policy.json'), 'reader');
      file = path.join(await temporaryFolder(), 'object');
      await writeFile(file, bytes);
    });
    after(async () => {
      await cleanUp();
    });

    function textOf(role: string): Promise<string> {
      return readFile(new URL(role, ROLES), 'utf8');
    }
    async function rightsOf(role: string): Promise<readonly string[]> {
      const { Statement } = JSON.parse(await textOf(role)) as {
        readonly Statement: readonly { readonly Action: readonly string[] }[]; // a file of ours
      };
      return Statement.flatMap(({ Action }) => Action);
    }
    function as(user: string, prune: true | string | undefined): Destination {
      const { prune: _prune, ...config } = { ...context.config, credentials: credentialsOf(user) };
      const who = prune === undefined || prune === true ? prune : credentialsOf(prune);
      return destinationOf({ ...context, config: who === undefined ? config : { ...config, prune: who } });
    }

    it('the writing identity does all that copies need, and can neither ask for anything nor delete', async () => {
      const destination = as('writer', true);
      await destination.probe();
      await destination.put(KEY, file, storedOf(bytes), testWork());
      await destination.put(KEY, file, storedOf(bytes), testWork());
      await destination.put(`${KEY}-small`, file, storedOf(bytes), testWork());
      const work = testWork();
      const cancelling = { ...work, progress: ({ bytes: sent }: { bytes: number }) => sent > 0 && work.abort() };
      await assert.rejects(destination.put(`${KEY}-2`, file, storedOf(bytes), cancelling), { code: 'aborted' });
      await assert.rejects(thaw(destination, KEY), { code: 'access-denied' });
      const itself = await destination.pruner();
      await assert.rejects(async () => itself?.remove(KEY), {
        code: 'access-denied',
        message: /lack the right glacier:DeleteArchive/,
        remedy: /glacier-prune-policy\.json/,
      });
      assert.equal(await vaults.count(context.config.vault), 2);
    });

    it('the restoring identity asks, waits and reads, and can write nothing', async () => {
      const destination = as('reader', undefined);
      await destination.probe();
      await thaw(destination, KEY);
      assert.equal((await destination.thawing?.state(KEY))?.state, 'readable');
      assert.deepEqual(await destination.digest(KEY, testWork()), storedOf(bytes));
      await destination.inventory?.ask();
      assert.equal((await destination.inventory?.look())?.state, 'ready');
      await assert.rejects(destination.put(`${KEY}-3`, file, storedOf(bytes), testWork()), { code: 'access-denied' });
    });

    it('deletes by the pruning identity alone, which can do nothing else', async () => {
      assert.equal(await as('writer', undefined).pruner(), null, 'no identity that may delete');
      const by = await as('writer', 'pruner').pruner();
      await by?.remove(KEY);
      await by?.remove(`${KEY}-small`);
      assert.equal(await vaults.count(context.config.vault), 0);
      await assert.rejects(as('pruner', undefined).put(KEY, file, storedOf(bytes), testWork()), {
        code: 'access-denied',
      });
    });

    it('what it sends is signed as moto checks it, by which the writing policy is enough and gives no more', async () => {
      const users = await Promise.all(
        ['glacier-policy.json', 'glacier-restore-policy.json', 'glacier-prune-policy.json'].map(async (role) => {
          const { accessKeyId, secretAccessKey } = await makeUser(vaults.moto, role, await textOf(role));
          const variable = `TEST_MOTO_${role.replaceAll(/\W/g, '_')}`.toUpperCase();
          process.env[variable] = accessKeyId;
          process.env[`${variable}_SECRET`] = secretAccessKey;
          return { accessKeyId: { env: variable }, secretAccessKey: { env: `${variable}_SECRET` } };
        }),
      );
      const [writer, reader, pruner] = users;
      assert.ok(writer && reader && pruner);
      // In one request: moto takes no parts.
      const own = { ...context.config, endpoint: vaults.moto, partSize: 16 * MEBIBYTE };
      const by = (credentials: typeof writer, prune = credentials) =>
        destinationOf({ ...context, config: { ...own, credentials, prune } });
      await whileChecked(vaults.moto, async () => {
        const destination = by(writer);
        await destination.probe();
        await destination.put(`${KEY}-signed`, file, storedOf(bytes), testWork());
        await assert.rejects(thaw(destination, `${KEY}-signed`), { code: 'access-denied' });
        await assert.rejects(async () => (await destination.pruner())?.remove(`${KEY}-signed`), {
          code: 'access-denied',
        });
        await thaw(by(reader), `${KEY}-signed`);
        assert.deepEqual(await by(reader).digest(`${KEY}-signed`, testWork()), storedOf(bytes));
        const forged = { ...writer, secretAccessKey: reader.secretAccessKey };
        await assert.rejects(by(forged).put(`${KEY}-forged`, file, storedOf(bytes), testWork()), {
          code: 'access-denied',
        });
        await (await by(writer, pruner).pruner())?.remove(`${KEY}-signed`);
      });
      assert.equal(await vaults.count(context.config.vault), 0);
    });
  });
}
