import assert from 'node:assert/strict';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openBackup } from '../../../../activities/operations/reader.ts';
import { checkExports } from '../../../../activities/sources/mariadb/export/check.ts';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { EXPORT_LIST_ROLE, exportsOf } from '../../../../model/export.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { underServiceUmask } from '../../../support/umask.ts';
import { testWork } from '../../../support/work.ts';
import { failure } from '../../streams/artifacts.ts';
import { SOURCE } from './backups.ts';
import { captureExport, restoreExport, type Restoring } from './exports.ts';

const ODD = 'a/b `c` é';

const SCHEMA = `
  CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
  USE shop;
  CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(40) NOT NULL);
  CREATE TABLE orders (id INT PRIMARY KEY, customer INT, note BLOB, KEY note (note(10)),
                       FOREIGN KEY (customer) REFERENCES customers (id));
  CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW SET NEW.note = 'touched';
  CREATE VIEW rich AS SELECT name FROM customers;
  CREATE PROCEDURE hello() SELECT 1;
  INSERT INTO customers (name) SELECT CONCAT('n', seq) FROM seq_1_to_500;
  INSERT INTO orders SELECT seq, seq, UNHEX(HEX(seq)) FROM seq_1_to_500;
  CREATE DATABASE \`a/b \`\`c\`\` é\`;
  CREATE TABLE \`a/b \`\`c\`\` é\`.kept AS SELECT 42 AS answer`;

describe('exports of a MariaDB source', function () {
  // Each makes a new server, which takes long on a busy machine.
  this.timeout(180_000);
  let folder: string;
  let server: TestMariadb;
  let made: TestSite;
  let backup: Catalogued;

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(SCHEMA);
    const { check, export: exporting } = server.passwords;
    const config = server.config({ check: { password: { file: check } }, export: { password: { file: exporting } } });
    made = await makeSite({ folder, sources: { [SOURCE]: config } });
    backup = await captureExport(made.site);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function restore(options: Omit<Restoring, 'server' | 'backup'>) {
    return restoreExport(made.site, { server, backup, ...options });
  }

  async function sums(database: string): Promise<readonly string[]> {
    return (await server.sql(`CHECKSUM TABLE ${database}.customers, ${database}.orders`)).map(
      (line) => line.split('\t')[1] ?? '',
    );
  }

  it('a weekly holds one of each database by its name, and preflight finds nothing to mend', async () => {
    const all = new Set(exportsOf(backup.manifest).map(({ export: { database } }) => database));
    assert.deepEqual(all, new Set([ODD, 'shop']));
    const config = server.source({ export: { password: { file: server.passwords.export } } });
    const context = { source: SOURCE, config, work: testWork(), readSecret: made.site.readSecret, state: folder };
    const findings = async () =>
      (await mariadb.preflight(context)).filter(({ code }) => code === 'mariadb.export-account');
    assert.deepEqual(await findings(), []);
    await server.sql('REVOKE TRIGGER ON *.* FROM mosaic_export@localhost');
    const [found] = await findings();
    await server.sql(found?.remedy ?? '');
    assert.match(found?.message ?? '', /lacks TRIGGER/);
    assert.deepEqual(await findings(), []);
  });

  it('is proven by a load into an empty server, and the check fails where rows are missing', async () => {
    const reader = await openBackup({
      site: made.site,
      store: repositoryStore(made.site.repository),
      backup,
      work: testWork(),
    });
    const check = async (chain: readonly [typeof reader]) => {
      const scratch = await temporaryFolder();
      const context = { source: SOURCE, work: testWork(), chain, restored: scratch, scratch };
      const checks = await underServiceUmask(() => checkExports(context));
      return new Map(checks.map(({ name, ...found }) => [name, found]));
    };
    const good = await check([reader]);
    assert.deepEqual(
      [...good.values()].map(({ ok }) => ok),
      [true, true],
    );
    assert.match(good.get('export of "shop"')?.detail ?? '', /2 tables with 1000 rows are equal/);
    const artifacts = reader.manifest.artifacts.filter(({ role }) => role !== EXPORT_LIST_ROLE);
    const unlisted = await check([{ ...reader, manifest: { ...reader.manifest, artifacts } }]);
    assert.match(unlisted.get('export of "shop"')?.detail ?? '', /objects as they were; rows not compared/);
    // The list of an export that had a row more, as where one was lost.
    async function* lines(role: string): AsyncGenerator<string> {
      for await (const line of reader.lines(role)) yield line.replace('"rows":500', '"rows":501');
    }
    const bad = (await check([{ ...reader, lines }])).get('export of "shop"');
    assert.deepEqual([bad?.compared, bad?.ok], [true, false]);
    assert.match(bad?.detail ?? '', /500 rows, 501 in the source/);
  });

  it('a database goes into a new one of the running server', async () => {
    await restore({ to: 'copy' });
    assert.deepEqual(await sums('copy'), await sums('shop'));
    assert.deepEqual(await server.sql('CALL copy.hello()'), ['1']);
    await failure(restore({ to: 'copy' }), 'not-empty');
    await server.sql('DROP DATABASE copy');
    await restore({ database: ODD, to: 'other' });
    assert.deepEqual(await server.sql('SELECT answer FROM other.kept'), ['42']);
  });

  it('an emptied table comes back, and the old one is kept under another name', async () => {
    const before = await sums('shop');
    await server.sql('DELETE FROM shop.orders WHERE id > 1');
    await failure(restore({ tables: ['orders'] }), 'not-empty');
    await restore({ tables: ['orders'], replace: true });
    assert.deepEqual(await sums('shop'), before);
    const tables = await server.sql("SHOW TABLES FROM shop LIKE 'orders\\_before\\_%'");
    assert.equal(tables.length, 1);
    assert.deepEqual(await server.sql(`SELECT COUNT(*) FROM shop.${tables[0]}`), ['1']);
    assert.deepEqual(await server.sql("SHOW DATABASES LIKE 'mosaic\\_restore%'"), []);
  });

  it('P40 a bit flipped late in the stream changes nothing in the server', async () => {
    const copy = path.join(folder, 'flipped');
    await cp(made.site.repository, copy, { recursive: true, verbatimSymlinks: true });
    const artifact = exportsOf(backup.manifest).find((each) => each.export.database === 'shop');
    const file = path.join(copy, backup.folder, artifact?.name ?? '');
    const bytes = await readFile(file);
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const before = await server.sql('SHOW DATABASES');
    const store = repositoryStore(copy);
    const scratch = await temporaryFolder();
    await failure(restore({ store, to: 'copy', scratch }), 'verification-failed');
    await failure(restore({ store, to: 'copy', tables: ['orders'], scratch }), 'verification-failed');
    assert.deepEqual(await server.sql('SHOW DATABASES'), before);
    // Nothing of what was read stays here either.
    assert.deepEqual(await readdir(scratch), []);
  });
});
