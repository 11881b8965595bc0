import assert from 'node:assert/strict';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rolesOnDisk } from '../../../../activities/sources/postgres/roles-on-disk.ts';
import { verifyInRepository } from '../../../../activities/operations/verify-copy.ts';
import { pinned } from '../../../../activities/storage/catalogue.ts';
import { isBackupError } from '../../../support/errors.ts';
import { json, mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../../../support/managed-postgres.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { inPlace } from '../../operations/in-place/requests.ts';
import { capture, listed, ship, SOURCE } from './backups.ts';
import { rowsIn } from './recoveries.ts';

/** It is only a list of what the backup holds: with it gone everything that it lists can still be restored. */
describe('a PostgreSQL backup whose inventory is damaged', function () {
  this.timeout(180_000);
  let folder: string;
  let server: ManagedPostgres;
  let test: TestSite;
  let artifact: string;
  let whole: Buffer;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startManaged({ folder });
    test = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)');
    // Replaced rows lie in pg_authid, with what the roles were before.
    await server.sql("ALTER ROLE postgres PASSWORD 'another'; CREATE ROLE aaa SUPERUSER NOLOGIN");
    await ship(test.site, '2026-11-23T01:55:00Z');
    await capture(test.site, '2026-11-23T02:00:00Z');
    await server.sql('INSERT INTO t VALUES (2)');
    await ship(test.site, '2026-11-23T02:05:00Z');
    artifact = path.join(test.site.repository, (await full()).folder, 'inventory.zst.age');
    whole = await readFile(artifact);
  });
  after(async () => {
    await server?.end();
    await cleanUp();
  });
  beforeEach(() => writeFile(artifact, whole));

  async function full() {
    return (await listed(test.site)).find(({ name }) => name.id === '20261123T020000Z-full') ?? assert.fail('no full');
  }

  const damages: Readonly<Record<string, () => Promise<void>>> = {
    'a flipped byte': async () => {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8((whole.at(-20) ?? 0) ^ 1, whole.length - 20);
      await writeFile(artifact, flipped);
    },
    'cut in the middle': () => truncate(artifact, Math.floor(whole.length / 2)),
    gone: () => rm(artifact),
  };

  for (const [how, damage] of Object.entries(damages)) {
    it(`is restored to the end of the logs, with a warning (${how})`, async () => {
      await damage();
      const to = path.join(folder, `restored-${restores++}`);
      const args = ['-c', test.file, 'restore', 'latest', '--source', SOURCE, '--at', 'end', '--to', to];
      const { code, stderr } = await mosaicHere(args);
      assert.equal(code, 0, stderr);
      assert.deepEqual(await rowsIn(to, server.binaries.folder), [1, 2]);
      assert.match(stderr, /warning .*inventory cannot be read: what is restored is compared with nothing/);
      assert.match(stderr, /daily\/db\/20261123T020000Z-full.*inventory\.zst\.age/);
      assert.match(stderr, /superuser=postgres/);
    });

    it(`fails verification all the same, deep or not (${how})`, async () => {
      await damage();
      const { manifest } = await full();
      await isBackupError(
        verifyInRepository({ site: test.site, backup: pinned(manifest), work: testWork() }),
        'verification-failed',
      );
      for (const deep of [[], ['--deep']]) {
        const args = ['-c', test.file, '--json', 'verify', 'daily/db/20261123T020000Z-full', ...deep];
        const ended = await mosaicHere(args);
        assert.equal(ended.code, 9, ended.stdout);
        assert.match(JSON.stringify(json(ended)), /inventory/);
      }
    });
  }

  it('is restored in place, and what could not be compared is told', async () => {
    await damages['a flipped byte']?.();
    const told: string[] = [];
    await inPlace(test.site, { from: await full(), told });
    assert.deepEqual(await server.sql('SELECT id FROM t'), [{ id: 1 }]);
    assert.match(told.join('\n'), /inventory: daily\/db\/20261123T020000Z-full, inventory\.zst\.age: The artifact is/);
  });
});

/** Of each major version that there is, since the layout of files is no interface. */
describe('the roles that lie in a data folder', function () {
  this.timeout(120_000);
  after(cleanUp);

  for (const major of [15, 16, 18]) {
    it(`are those that its server has (PostgreSQL ${major})`, async () => {
      const server = await startPostgres({ folder: await temporaryFolder(), major });
      await server.sql(
        `ALTER ROLE postgres PASSWORD 'another'; CREATE ROLE gone SUPERUSER LOGIN; CREATE ROLE "Größe" LOGIN`,
      );
      await server.sql('DROP ROLE gone');
      const expected = await server.sql(
        `SELECT oid::int, rolname::text AS name, rolsuper AS superuser, rolcanlogin AS login FROM pg_roles ORDER BY oid`,
      );
      await server.stop();
      assert.ok(expected.length > 10);
      assert.deepEqual(await rolesOnDisk(server.data), expected);
    });
  }

  it('are none where there is no data folder, or one that is damaged', async () => {
    const folder = await temporaryFolder();
    assert.deepEqual(await rolesOnDisk(folder), []);
    const map = Buffer.alloc(16);
    map.writeInt32LE(0x0059_2717, 0);
    map.writeInt32LE(1, 4);
    map.writeUInt32LE(1260, 8);
    map.writeUInt32LE(7, 12);
    await mkdir(path.join(folder, 'global'));
    await writeFile(path.join(folder, 'global', 'pg_filenode.map'), map);
    assert.deepEqual(await rolesOnDisk(folder), []);
    // Every length and offset in it says too much.
    await writeFile(path.join(folder, 'global', '7'), Buffer.alloc(8192, 0xff).fill(0, 18, 19));
    assert.deepEqual(await rolesOnDisk(folder), []);
    await writeFile(path.join(folder, 'global', '7'), Buffer.alloc(20_000, 0x20));
    assert.deepEqual(await rolesOnDisk(folder), []);
  });
});
