import assert from 'node:assert/strict';
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { withEmptyServer } from '../../../../activities/sources/mariadb/export/loaded.ts';
import { withReplayServer } from '../../../../activities/sources/mariadb/replay-server.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { requireSameServer } from '../../../../activities/sources/mariadb/physical.ts';
import { checkTables, judge } from '../../../../activities/sources/mariadb/table-check.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Check } from '../../../../model/evidence.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite } from '../../../support/site.ts';
import { networkOf, socketsOf } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, contents, onRestored, one, prove, readers, restoreTo, SOURCE } from './backups.ts';

const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE orders (id int PRIMARY KEY, body text, INDEX (body(20)));
  CREATE TABLE visits (id int PRIMARY KEY, page text) ENGINE = Aria;
  CREATE TABLE old (id int PRIMARY KEY, note text) ENGINE = MyISAM;
  CREATE PROCEDURE tidy() SELECT 1;
  CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2037-01-01' DO SELECT 1;
  INSERT INTO orders SELECT seq, MD5(seq) FROM seq_1_to_20000;
  INSERT INTO visits SELECT seq, CONCAT('/page/', seq) FROM seq_1_to_5000;
  INSERT INTO old SELECT seq, CONCAT('note ', seq) FROM seq_1_to_5000;`;

const count = z.object({ rows: z.number() });

describe('the check of a MariaDB backup', () => {
  let folder: string;
  let server: TestMariadb;

  async function siteFor(name: string, options: object = {}): Promise<Site> {
    const own = path.join(folder, name);
    await mkdir(own);
    const { site } = await makeSite({ folder: own, sources: { [SOURCE]: server.config(options) } });
    return site;
  }

  function withRows() {
    return { check: { password: { file: server.passwords.check } } };
  }

  /** A backup, restored to a folder. */
  async function restored(name: string): Promise<{ readonly site: Site; readonly data: string }> {
    const site = await siteFor(name, withRows());
    await capture(site, '2026-03-01T02:00:00Z');
    const data = path.join(folder, name, 'restored');
    await restoreTo(site, data);
    return { site, data };
  }

  async function look(site: Site, data: string): Promise<ReadonlyMap<string, Check>> {
    const scratch = await temporaryFolder();
    const chain = await readers(site);
    const checks = await mariadb.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
    assert.deepEqual(processesNaming(data), [], 'nothing runs afterwards');
    return new Map(checks.map((check) => [check.name, check]));
  }

  function failures(checks: ReadonlyMap<string, Check>): readonly string[] {
    return [...checks.values()].filter(({ compared, ok }) => compared && !ok).map(({ name }) => name);
  }

  async function flip(file: string, at: number, length = 64): Promise<void> {
    const handle = await open(file, 'r+');
    try {
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
      await handle.write(
        buffer.map((byte) => byte ^ 0xff),
        0,
        length,
        at,
      );
    } finally {
      await handle.close();
    }
  }

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(SCHEMA);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('finds nothing in a good backup, twice, and changes no row', async () => {
    const { site, data } = await restored('good');
    for (let turn = 0; turn < 2; turn += 1) {
      const checks = await look(site, data);
      for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
      assert.match(checks.get('rows')?.detail ?? '', /^3 tables with 30000 rows are equal$/);
    }
    assert.deepEqual(await onRestored(data, contents), await contents(server.connection()));
  });

  it('P23 a table that mariadb-check calls corrupt, with rc 0, is a failure: MyISAM, Aria', async () => {
    for (const [file, at, table] of [
      ['old.MYI', 1024, 'shop.old'],
      ['visits.MAD', 3 * 8192 + 100, 'shop.visits'],
    ] as const) {
      const { site, data } = await restored(`corrupt-${file}`);
      await flip(path.join(data, 'shop', file), at);
      const checks = await look(site, data);
      const { ok, detail } = checks.get('mariadb-check') ?? { ok: true, detail: '' };
      assert.equal(ok, false, detail);
      assert.match(detail, new RegExp(`1 tables are damaged: ${table} \\(.*Corrupt`));
    }
  });

  it('P23 a damaged page of InnoDB is a failure', async () => {
    const { site, data } = await restored('page');
    // A leaf: the first pages are roots, and the last of a file are free.
    await flip(path.join(data, 'shop', 'orders.ibd'), 7 * 16384 + 5000);
    const failed = failures(await look(site, data));
    assert.ok(failed.includes('mariadb-check'), failed.join(', '));
  });

  it('P23 a mariadb-check that does not come to its end is a failure', async () => {
    const gone = { ...server.connection(), socket: path.join(folder, 'gone.sock') };
    const { compared, ok } = await checkTables(gone, testWork());
    assert.deepEqual([compared, ok], [true, false]);
  });

  it('P23 judges what mariadb-check prints, and takes nothing that it does not understand for good', () => {
    const verdict = (text: string) => judge(text).ok;
    assert.equal(verdict('shop.a    OK\nshop.b    OK\n'), true);
    assert.equal(
      verdict("shop.a\nwarning  : 1 client is using or hasn't closed the table properly\nstatus   : OK\n"),
      true,
    );
    assert.equal(
      verdict("shop.a  OK\nshop.m\nnote     : The storage engine for the table doesn't support check\n"),
      true,
    );
    assert.equal(verdict('shop.a   OK\nshop.b\nerror    : Corrupt\n'), false);
    assert.equal(verdict("shop.a   OK\nshop.b\nError    : Table 'b' is marked as crashed\nstatus   : OK\n"), false);
    assert.equal(verdict('shop.a   OK\nshop.b   something new\n'), false);
    assert.equal(verdict('shop.a   OK\nshop.b\nstatus   : Operation failed\n'), false);
    assert.equal(verdict(''), false);
  });

  const OFTEN = `
    USE shop; CREATE TABLE fired (at datetime(3));
    CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.fired VALUES (NOW(3))`;
  const FIRED = "SELECT JSON_OBJECT('rows', COUNT(*)) FROM shop.fired";

  /** Rows that an event of every second has inserted, after time enough for some to show. */
  async function firedLater(connection: Connection) {
    await one(connection, count, "SELECT JSON_OBJECT('rows', SLEEP(2.5))");
    return one(connection, count, FIRED);
  }

  it('P24 events do not fire in a test restore', async () => {
    await server.sql(OFTEN);
    await until('the event fires in production', async () => (await server.sql('SELECT * FROM shop.fired')).length > 1);
    const site = await siteFor('events', withRows());
    await capture(site, '2026-03-01T02:00:00Z');
    const data = path.join(folder, 'events', 'restored');
    await restoreTo(site, data);
    const before = await onRestored(data, (connection) => one(connection, count, FIRED));
    const checks = await look(site, data);
    assert.deepEqual(failures(checks), []);
    assert.match(checks.get('events')?.detail ?? '', /^2 as in the inventory/);
    assert.deepEqual(await onRestored(data, firedLater), before);
    // With accounts, which the check itself does without: a server without them knows no events.
    const runtime = await temporaryFolder();
    const [backup] = await readers(site);
    const { engine = {} } = backup?.manifest ?? {};
    await withReplayServer({ data, runtime, engine, work: testWork() }, async (connection) => {
      assert.deepEqual(await firedLater(connection), before, 'while logs are replayed');
    });
    await server.sql('USE shop; DROP EVENT often; DROP TABLE fired');
  });

  it('P24 events do not fire in the server that an export is loaded into', async () => {
    const site = await siteFor('events-loaded');
    await capture(site, '2026-03-01T02:00:00Z');
    const [backup] = await readers(site);
    assert.ok(backup);
    const scratch = await temporaryFolder();
    await withEmptyServer({ backup, scratch, work: testWork() }, async (connection) => {
      await run(connection, `CREATE DATABASE shop; ${OFTEN}`, { signal: testWork().signal });
      assert.deepEqual(await firedLater(connection), { rows: 0 });
    });
  });

  it('notices what differs from the source: a row, a database, a table, a view, a routine, an event, an account', async () => {
    const { site, data } = await restored('differs');
    await onRestored(data, (connection) =>
      one(
        connection,
        count,
        `UPDATE shop.orders SET body = 'other' WHERE id = 7; DROP TABLE shop.visits;
         DELETE FROM mysql.proc WHERE name = 'tidy'; DELETE FROM mysql.event WHERE name = 'yearly';
         ALTER DATABASE shop CHARACTER SET ucs2; DELETE FROM mysql.global_priv WHERE User = 'mosaic_check';
         SELECT JSON_OBJECT('rows', 0)`,
      ),
    );
    const checks = await look(site, data);
    assert.deepEqual(failures(checks), ['databases', 'tables', 'routines', 'events', 'users', 'rows']);
    assert.match(checks.get('tables')?.detail ?? '', /shop\.visits \(Aria\)/);
    assert.match(checks.get('rows')?.detail ?? '', /shop\.orders \(same number of rows, other content\)/);
    assert.match(checks.get('users')?.detail ?? '', /mosaic_check@localhost/);
  });

  it('notices a data folder whose redo log was not applied to the end', async () => {
    const site = await siteFor('short', withRows());
    await capture(site, '2026-03-01T02:00:00Z');
    const data = path.join(folder, 'short', 'restored');
    await restoreTo(site, data);
    const [backup] = await readers(site);
    assert.ok(backup);
    const further = { ...backup.manifest.position, lastLsn: '99999999999' };
    const chain = [{ ...backup, manifest: { ...backup.manifest, position: further } }];
    const scratch = await temporaryFolder();
    const [start] = await mariadb.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
    assert.equal(start?.ok, false);
    assert.match(start.detail, /recovered to LSN \d+ only/);
  });

  it('says that rows were not compared where there is no check account', async () => {
    const site = await siteFor('blind');
    await capture(site, '2026-03-01T02:00:00Z');
    const checks = await prove(site, path.join(folder, 'blind', 'proof'));
    const lacking = [...checks.values()].filter(({ compared, ok }) => !compared || !ok);
    assert.deepEqual(lacking, [
      {
        name: 'rows',
        compared: false,
        ok: false,
        detail: 'rows not compared: the source has no check account, or no table',
      },
    ]);
  });

  it('listens on a socket of its own alone, and leaves no server when it is cancelled', async () => {
    const { site, data } = await restored('cancelled');
    const work = testWork();
    const scratch = await temporaryFolder();
    const checking = mariadb.check({ source: SOURCE, work, chain: await readers(site), restored: data, scratch });
    const failed = isBackupError(checking, 'aborted');
    const server = () => processesNaming(data).find(({ name }) => name === 'mariadbd')?.pid;
    const pid = await until('a server runs', server);
    await until('it listens', async () => (await socketsOf(pid, 'unix')).some((line) => line.includes('server.sock')));
    // It opens them before its socket.
    assert.deepEqual(await networkOf(pid), []);
    work.abort();
    await failed;
    await until('it is gone', () => processesNaming(data).length === 0);
  });

  it('refuses another series before anything is fetched, and says so of a check', async () => {
    const site = await siteFor('series');
    await capture(site, '2026-03-01T02:00:00Z');
    const [whole] = await readers(site);
    assert.ok(whole);
    const engine = { ...whole.manifest.engine, version: '11.4.2', series: '11.4' };
    const newer = {
      ...whole,
      manifest: { ...whole.manifest, engine },
      into: () => assert.fail('something was fetched'),
    };
    const scratch = await temporaryFolder();
    const context = { source: SOURCE, work: testWork(), chain: [newer], scratch };
    const refused = await isBackupError(mariadb.restore({ ...context, paths: [] }), 'refused');
    assert.match(refused.message, /of MariaDB 11\.4, and mariadb-backup here is 10\.11/);
    const checks = await mariadb.check({ ...context, restored: scratch });
    assert.ok(checks.every(({ compared, ok }) => !compared && !ok));
  });

  it('refuses files that are not those of the server that the connection names', async () => {
    const checkpoints = { type: 'full-backuped', fromLsn: '0', toLsn: '400', lastLsn: '500' };
    requireSameServer(checkpoints, { lsn: '450' }, { lsn: '500' });
    assert.throws(() => requireSameServer(checkpoints, { lsn: '501' }, { lsn: '900' }), /another server's/);
    assert.throws(() => requireSameServer(checkpoints, { lsn: '300' }, { lsn: '499' }), /another server's/);
  });
});
