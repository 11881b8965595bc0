/** Restores into a running PostgreSQL server that are cut off before their COMMIT, or behind it, and attempts after them. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { openDeafProxy } from '../../../support/deaf-proxy.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { attempt, goesOn, isDone, isRefused, killedAt, type Point } from '../export-attempts.ts';
import type { Said } from '../export-in-child.ts';
import { SOURCE } from './backups.ts';
import { captureExport } from './exports.ts';

const SCHEMA = `
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  INSERT INTO customers VALUES (1, 'one'), (2, 'two');
  CREATE TABLE "the ""orders'" (id int PRIMARY KEY);
  INSERT INTO "the ""orders'" VALUES (1)`;

const TABLES = 'activities/sources/postgres/export';
const LOAD: Point = { at: `${TABLES}/load.ts#loadArchive`, when: 'entered' };
const SWAP: Point = { at: `${TABLES}/target.ts#swapNames`, when: 'entered' };

describe('attempts at a restore into a running PostgreSQL server', function () {
  this.timeout(120_000);
  let server: TestPostgres;
  let made: TestSite;
  let names = 0;
  /** The database of a test. */
  let name: string;

  before(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder });
    await server.sql('CREATE DATABASE shop');
    await server.sql(SCHEMA, 'shop');
    made = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { export: {} }) } });
    await captureExport(made.site, '2026-11-22T01:00:00Z');
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
    const settings = { host: server.socket, port: String(server.port), user: 'postgres', database: name };
    const into = { settings, password: undefined };
    return { database: 'shop', tables: [], into, replace: false, owners: true, ...more };
  }

  async function databases(): Promise<readonly unknown[]> {
    const found = await server.sql(`SELECT datname FROM pg_database WHERE datname LIKE '${name}%' ORDER BY 1`);
    return found.map(({ datname }) => String(datname).replace(/_\d{8}T\d{6}$/, ''));
  }
  async function customers(database = name): Promise<readonly unknown[]> {
    return (await server.sql('SELECT id FROM customers ORDER BY id', database)).map(({ id }) => id);
  }
  const client = (id: number) => server.sql(`INSERT INTO customers (id) VALUES (${id})`, name);
  async function old(): Promise<void> {
    await server.sql(`CREATE DATABASE ${name}`);
    await server.sql('CREATE TABLE customers AS SELECT 7 AS id', name);
  }

  it('of a database that is not there', async () => {
    const note = await killedAt(made, saying(), LOAD);
    assert.deepEqual(await databases(), [name], 'it was made');
    await goesOn(made, saying(), note);
    assert.deepEqual(await customers(), [1, 2]);
    await client(3);
    await isDone(made, saying(), note);
    assert.deepEqual(await customers(), [1, 2, 3]);
    // A command of its own knows of nothing.
    await isRefused(attempt(made, saying()), 'not-empty', /has \d+ objects/);
  });

  it('of an empty database: behind its COMMIT', async () => {
    await server.sql(`CREATE DATABASE ${name}`);
    const note = await killedAt(made, saying(), { ...LOAD, when: 'left' });
    await client(3);
    await isDone(made, saying(), note);
    assert.deepEqual(await customers(), [1, 2, 3]);
  });

  it('in place of a database: before the names are swapped, and behind that, with clients in it', async () => {
    await old();
    const said = saying({ replace: true });
    const note = await killedAt(made, said, SWAP);
    assert.deepEqual(await databases(), [name, `${name}_restore`]);
    assert.deepEqual(await customers(), [7]);
    const { steps } = await goesOn(made, said, note);
    assert.match(steps.join('\n'), /drop "copy_\d+_restore_.*", where an attempt that was cut off left it/);
    assert.deepEqual(await databases(), [name, `${name}_before`]);
    const reader = await server.client(name);
    await client(3);
    await isDone(made, said, note);
    await reader.end();
    assert.deepEqual(await customers(), [1, 2, 3]);
  });

  it('in place of a database: the process is killed behind the swap', async () => {
    await old();
    const said = saying({ replace: true });
    const note = await killedAt(made, said, { ...SWAP, when: 'left' });
    await client(3);
    await isDone(made, said, note);
    assert.deepEqual(await databases(), [name, `${name}_before`]);
    assert.deepEqual(await customers(), [1, 2, 3]);
  });

  it('of tables that are not there, or are replaced', async () => {
    await old();
    const said = saying({ tables: ['customers', `public."the ""orders'"`], replace: true });
    const first = await attempt(made, said, 'plan');
    await client(8);
    // The plan before was cut off before it did anything.
    await goesOn(made, said, first.note);
    assert.deepEqual(await customers(), [1, 2]);
    await client(3);
    await isDone(made, said, first.note);
    // Without --replace its own table is not in the way.
    await isDone(made, { ...said, replace: false }, first.note);
    assert.deepEqual(await customers(), [1, 2, 3]);

    await server.sql(`DROP TABLE "the ""orders'"; CREATE TABLE "the ""orders'" (id int)`, name);
    const second = await attempt(made, said, 'plan');
    await server.sql(`DROP TABLE "the ""orders'"; CREATE TABLE "the ""orders'" (id int)`, name);
    await isRefused(attempt(made, { ...said, earlier: second.note }), 'conflict', /is new, the rest/);
    assert.deepEqual(await customers(), [1, 2, 3]);
  });

  it('whose last answer is lost has succeeded all the same: the server is asked', async () => {
    await server.sql(`CREATE DATABASE ${name}`);
    const folder = await temporaryFolder();
    const said = (more: Partial<Said> = {}) =>
      saying({ into: { settings: { ...saying().into.settings, host: folder }, password: undefined }, ...more });
    const socket = `.s.PGSQL.${server.port}`;
    const losing = async (given: string, more: Partial<Said>) => {
      const proxy = await openDeafProxy(path.join(folder, socket), path.join(server.socket, socket), given);
      try {
        await attempt(made, said(more));
        assert.equal(proxy.lost(), 1);
      } finally {
        await proxy.close();
      }
    };
    await losing('COMMIT', {});
    assert.deepEqual(await customers(), [1, 2]);
    await client(3);
    await losing('COMMIT', { tables: ['customers'], replace: true });
    assert.deepEqual(await customers(), [1, 2]);
    await client(3);
    await losing('RENAME TO', { replace: true });
    assert.deepEqual(
      [await customers(), await databases()],
      [
        [1, 2],
        [name, `${name}_before`],
      ],
    );
  });

  it('that is lost before its COMMIT says that it was not carried out', async () => {
    const folder = await temporaryFolder();
    const socket = `.s.PGSQL.${server.port}`;
    const settings = { ...saying().into.settings, host: folder };
    const proxy = await openDeafProxy(path.join(folder, socket), path.join(server.socket, socket), 'BEGIN');
    const said = saying({ into: { settings, password: undefined } });
    await isRefused(attempt(made, said), 'unreachable', /It was not carried out\./);
    await proxy.close();
    assert.deepEqual(await databases(), []);
  });

  it('leaves a table that somebody has made anew since it was looked at', async () => {
    await old();
    const said = saying({ tables: ['customers'], replace: true });
    const meanwhile = () => server.sql('DROP TABLE customers; CREATE TABLE customers AS SELECT 9 AS id', name);
    await isRefused(attempt(made, said, meanwhile), 'failed', /not the one that was looked at. Nothing was changed/);
    assert.deepEqual(await customers(), [9]);
  });

  it('leaves a database that it has made, and in which somebody else is by then', async () => {
    const meanwhile = async () => {
      await server.sql(`CREATE DATABASE ${name}`);
      await server.sql('CREATE TABLE customers AS SELECT 9 AS id', name);
    };
    const { note } = await attempt(made, saying(), 'plan');
    await server.sql(`CREATE DATABASE ${name}`);
    const other = () => server.sql('CREATE TABLE customers AS SELECT 9 AS id', name);
    await isRefused(attempt(made, { ...saying(), earlier: note }, other), 'failed', /already exists/);
    assert.deepEqual(await customers(), [9]);
    await server.sql(`DROP DATABASE ${name}`);
    await isRefused(attempt(made, saying(), meanwhile), 'failed', /already exists/);
    assert.deepEqual(await customers(), [9]);
  });

  it('of a table, killed behind its COMMIT', async () => {
    await old();
    const said = saying({ tables: ['customers'], replace: true });
    const note = await killedAt(made, said, { ...LOAD, when: 'left' });
    await client(3);
    await isDone(made, said, note);
    assert.deepEqual(await customers(), [1, 2, 3]);
  });

  it('does not go on while the server is at work for the killed one, which it may yet carry out', async () => {
    await old();
    const said = saying({ tables: ['customers'], replace: true });
    const { note } = await attempt(made, said, 'plan');
    const application = String(Object.entries(note).find(([key]) => key === 'application')?.[1]);
    const other = await server.client(name);
    // What a client that is gone has sent, and the server has not come to yet.
    await other.query(`SET application_name = '${application}'`);
    await isRefused(attempt(made, { ...said, earlier: note }), 'busy', /still at work/);
    await other.query(`BEGIN; DROP TABLE customers; CREATE TABLE customers AS SELECT 5 AS id, '' AS name; COMMIT`);
    await other.end();
    await until('it is gone', async () => {
      const query = `SELECT FROM pg_stat_activity WHERE application_name = '${application}'`;
      return (await server.sql(query)).length === 0;
    });
    await isDone(made, said, note);
    assert.deepEqual(await customers(), [5]);
  });

  it('says that it cannot tell where somebody else has made other things, and for a note of something else', async () => {
    await server.sql(`CREATE DATABASE ${name}`);
    const { note } = await attempt(made, saying(), 'plan');
    await server.sql('CREATE TABLE customers (id int)', name);
    for (const replace of [false, true])
      await isRefused(
        attempt(made, saying({ replace, earlier: note })),
        'conflict',
        /has 3 objects .* not public\."the/,
      );
    await server.sql(`ALTER DATABASE ${name} RENAME TO ${name}_x`);
    await server.sql(`CREATE DATABASE ${name}`);
    await isRefused(attempt(made, saying({ tables: ['customers'], earlier: note })), 'conflict', /of another restore/);
    await isRefused(attempt(made, saying({ earlier: { way: 'load' } })), 'conflict', /cannot be understood/);

    await server.sql('CREATE TABLE customers AS SELECT 7 AS id', name);
    const said = saying({ replace: true });
    const swap = await attempt(made, said, 'plan');
    await server.sql(`ALTER DATABASE ${name} RENAME TO ${name}_y`);
    await server.sql(`CREATE DATABASE ${name}`);
    await isRefused(attempt(made, { ...said, earlier: swap.note }), 'conflict', /is called "copy_\d+_y" now/);
  });
});
