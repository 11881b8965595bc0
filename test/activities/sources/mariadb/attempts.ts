/** A MariaDB server with a backup of small databases, for attempts at restores into it of which one is killed. */
import { userInfo } from 'node:os';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import type { Said } from '../export-in-child.ts';
import { SOURCE } from './backups.ts';
import { captureExport } from './exports.ts';

/** As many characters as a name may have. */
export const LONGEST = 'long_'.repeat(13).slice(0, 64);

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE customers (id INT PRIMARY KEY); INSERT INTO customers VALUES (1), (2);
  CREATE TABLE orders (id INT PRIMARY KEY); INSERT INTO orders VALUES (1);
  CREATE DATABASE big; USE big;
  CREATE TABLE customers (id INT PRIMARY KEY); INSERT INTO customers VALUES (1), (2);
  CREATE TABLE zz_ballast AS SELECT seq AS id, REPEAT(MD5(seq), 6) AS body FROM seq_1_to_100000;
  CREATE DATABASE lengthy; CREATE TABLE lengthy.${LONGEST} (id INT PRIMARY KEY);
  CREATE TABLE lengthy.${LONGEST.slice(0, 63)}x (id INT PRIMARY KEY)`;

export interface Attempts {
  readonly made: () => TestSite;
  readonly server: () => TestMariadb;
  /** The database of the test. */
  readonly name: () => string;
  readonly saying: (more?: Partial<Said>) => Said;
  /** Makes the database, with a table that is in the way. */
  readonly old: () => Promise<unknown>;
  readonly tables: () => Promise<readonly string[]>;
  /** Without the times in them. */
  readonly timeless: () => Promise<readonly string[]>;
  /** Databases in which tables are made before they are moved. */
  readonly workshops: () => Promise<readonly string[]>;
  readonly comment: () => Promise<readonly string[]>;
  readonly customers: () => Promise<readonly string[]>;
  /** A client writes a row. */
  readonly client: (id: number) => Promise<unknown>;
}

export function describeAttempts(title: string, cases: (attempts: Attempts) => void): void {
  describe(title, function () {
    this.timeout(120_000);
    let server: TestMariadb;
    let made: TestSite;
    let names = 0;
    let name: string;

    before(async () => {
      const folder = await temporaryFolder();
      server = await startMariadb({ folder });
      await server.sql(SCHEMA);
      const config = server.config({ export: { password: { file: server.passwords.export }, rows: false } });
      made = await makeSite({ folder, sources: { [SOURCE]: config } });
      await captureExport(made.site);
    });
    beforeEach(() => {
      names += 1;
      name = `copy_${names}`;
    });
    after(async () => {
      await server?.stop('immediate');
      await cleanUp();
    });

    function saying(more: Partial<Said> = {}): Said {
      const settings = { socket: server.connection().socket ?? '', user: userInfo().username, database: name };
      const into = { settings, password: undefined };
      return { database: 'shop', tables: [], into, replace: false, owners: true, ...more };
    }
    const tables = () =>
      server.sql(`SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${name}' ORDER BY 1`);
    cases({
      made: () => made,
      server: () => server,
      name: () => name,
      saying,
      old: () => server.sql(`CREATE DATABASE ${name}; CREATE TABLE ${name}.customers AS SELECT 7 AS id`),
      tables,
      timeless: async () => (await tables()).map((each) => each.replace(/_\d{8}T\d{6}$/, '')),
      workshops: () => server.sql("SHOW DATABASES LIKE 'mosaic_restore%'"),
      comment: () =>
        server.sql(
          `SELECT CONCAT('"', SCHEMA_COMMENT, '"') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '${name}'`,
        ),
      customers: () => server.sql(`SELECT id FROM ${name}.customers ORDER BY id`),
      client: (id) => server.sql(`INSERT INTO ${name}.customers VALUES (${id})`),
    });
  });
}
