/** What keeps an export of MariaDB from going into a running server: told before anything is written, and before the plan. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import type { ExportPlan } from '../../../../activities/sources/types.ts';
import type { ErrorCode } from '../../../../model/errors.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { SOURCE } from './backups.ts';
import { captureExport, restoreExport, type Restoring } from './exports.ts';

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(40));
  CREATE TABLE orders (id INT PRIMARY KEY, customer INT, FOREIGN KEY (customer) REFERENCES customers (id));
  CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW SET NEW.customer = NULL;
  CREATE VIEW rich AS SELECT name FROM customers;
  CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
  CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO DELETE FROM orders;
  INSERT INTO customers VALUES (1, 'a'), (2, 'b');
  INSERT INTO orders VALUES (1, 1)`;

describe('refusals of a restore into a running MariaDB server', function () {
  this.timeout(180_000);
  let server: TestMariadb;
  let made: TestSite;
  let backup: Catalogued;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(SCHEMA);
    const config = server.config({ export: { password: { file: server.passwords.export } } });
    made = await makeSite({ folder, sources: { [SOURCE]: config } });
    backup = await captureExport(made.site);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function plan(options: Omit<Restoring, 'server' | 'backup'>): Promise<ExportPlan> {
    return restoreExport(made.site, { server, backup, ...options }, 'plan');
  }

  async function refused(code: ErrorCode, options: Omit<Restoring, 'server' | 'backup'>) {
    const before = await server.sql('SHOW DATABASES');
    const error = await isBackupError(plan(options), code);
    assert.deepEqual(await server.sql('SHOW DATABASES'), before);
    return error;
  }

  it('a table that the export lacks is told before the plan, with the nearest name, or with all', async () => {
    const near = await refused('not-found', { tables: ['order'], to: 'copy' });
    assert.match(near.message, /The export of "shop" holds no table order\./);
    assert.equal(near.remedy, 'Did you mean orders?');
    const far = await refused('not-found', { tables: ['orders', 'nix'], to: 'copy' });
    assert.match(far.message, /holds no table nix\./);
    assert.equal(far.remedy, 'It holds the tables customers, orders.');
    const view = await refused('usage', { tables: ['rich'], to: 'copy' });
    assert.match(view.message, /rich of "shop" is a view/);
    assert.deepEqual((await plan({ tables: ['orders'], to: 'copy' })).tables, ['orders']);
  });

  it('a database that the backup lacks is told before the plan, with the nearest name, or with all', async () => {
    assert.equal((await refused('not-found', { database: 'shops', to: 'copy' })).remedy, 'Did you mean shop?');
    assert.equal((await refused('not-found', { database: 'nix', to: 'copy' })).remedy, 'It holds the databases shop.');
  });

  for (const account of ['backup', 'check', 'export'] as const) {
    it(`the account mosaic_${account} is refused before anything is written, with the one that may`, async () => {
      const password = (await readFile(server.passwords[account], 'utf8')).trimEnd();
      for (const tables of [[], ['orders']]) {
        const as = { user: `mosaic_${account}`, password };
        const error = await refused('access-denied', { tables, to: 'copy', as });
        assert.match(error.message, new RegExp(`Account mosaic_${account} of .* may only read`));
        assert.match(error.remedy ?? '', /user=root.*mosaic_restore.*infra\/roles\/mariadb-restore\.sql/);
      }
    });
  }

  it('the account of infra/roles/mariadb-restore.sql suffices for a database and for a table', async () => {
    const roles = new URL('../../../../infra/roles/mariadb-restore.sql', import.meta.url);
    await server.sql(await readFile(roles, 'utf8'));
    await server.sql("ALTER USER mosaic_restore@localhost IDENTIFIED BY 'of the restore'");
    const as = { user: 'mosaic_restore', password: 'of the restore' };
    await restoreExport(made.site, { server, backup, to: 'copy', as });
    const sums = (database: string) =>
      server.sql(`CHECKSUM TABLE ${database}.customers, ${database}.orders; SELECT ${database}.one()`);
    const plain = (lines: readonly string[]) => lines.map((line) => line.replace(/^\w+\./, ''));
    assert.deepEqual(plain(await sums('copy')), plain(await sums('shop')));
    assert.deepEqual(
      await server.sql("SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'copy'"),
      await server.sql("SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'shop'"),
    );
    await server.sql('DELETE FROM shop.orders');
    await restoreExport(made.site, { server, backup, tables: ['orders'], replace: true, as });
    assert.deepEqual(plain(await sums('shop')), plain(await sums('copy')));
    await server.sql('DROP DATABASE copy; DROP USER mosaic_restore@localhost');
  });

  it('what the server itself denies later names that account as well, and leaves nothing', async () => {
    await server.sql(
      "CREATE USER some@localhost IDENTIFIED BY 'x'; GRANT SELECT, INSERT, CREATE, DROP, ALTER ON *.* TO some@localhost",
    );
    const before = await server.sql('SHOW DATABASES');
    const as = { user: 'some', password: 'x' };
    const error = await isBackupError(restoreExport(made.site, { server, backup, to: 'copy', as }), 'access-denied');
    assert.match(error.remedy ?? '', /infra\/roles\/mariadb-restore\.sql/);
    assert.deepEqual(await server.sql('SHOW DATABASES'), before);
    await server.sql('DROP USER some@localhost');
  });

  it('an account whose rights come by way of a role is not refused for that', async () => {
    await server.sql(
      "CREATE ROLE admins; GRANT ALL ON *.* TO admins; CREATE USER by_role@localhost IDENTIFIED BY 'x'; GRANT admins TO by_role@localhost; SET DEFAULT ROLE admins FOR by_role@localhost",
    );
    await restoreExport(made.site, { server, backup, to: 'copy', as: { user: 'by_role', password: 'x' } });
    await server.sql('DROP DATABASE copy; DROP USER by_role@localhost; DROP ROLE admins');
  });
});
