import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import type { Site } from '../../../../activities/site.ts';
import type { BackupReader, LogSelection } from '../../../../activities/sources/types.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { RestoreTarget } from '../../../../model/target.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onRestored, one, readers, SOURCE } from './backups.ts';
import { makeShipping, type Shipping } from './shipping.ts';

const found = z.object({ tables: z.string().nullable(), accounts: z.number() });

/** The tables of `shop`, and the accounts that a replay could have left. */
const STATE = `
  SELECT JSON_OBJECT(
    'tables', (SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'),
    'accounts', (SELECT COUNT(*) FROM mysql.global_priv WHERE User LIKE 'mosaic_replay%'))`;
const BIG = "SELECT JSON_OBJECT('tables', CONCAT(SUM(LENGTH(body))), 'accounts', 0) FROM shop.big";
const KEPT = "SELECT JSON_OBJECT('tables', GROUP_CONCAT(id ORDER BY id), 'accounts', 0) FROM shop.kept";

describe('binary logs of a MariaDB source', () => {
  let folder: string;
  let server: TestMariadb;
  let runs = 0;

  interface Made {
    readonly site: Site;
    readonly shipping: Shipping;
  }

  async function made(): Promise<Made> {
    runs += 1;
    const own = path.join(folder, `run-${runs}`);
    await mkdir(own);
    const { site } = await makeSite({ folder: own, sources: { [SOURCE]: server.config() } });
    // What the backup has already stands alone in the file that it ends in: replayed once more, it would fail.
    await server.sql(`
      DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; USE shop;
      CREATE TABLE kept (id int PRIMARY KEY); FLUSH BINARY LOGS; INSERT INTO kept VALUES (1)`);
    await capture(site, `2026-03-01T02:${String(runs).padStart(2, '0')}:00Z`);
    return { site, shipping: await makeShipping(site, own) };
  }

  async function gtid(): Promise<string> {
    const [position = ''] = await server.sql('SELECT @@gtid_binlog_pos');
    return position;
  }

  async function restore(
    site: Site,
    logs: readonly BackupReader[],
    target: RestoreTarget,
    chain?: readonly BackupReader[],
  ): Promise<string> {
    const scratch = path.join(await temporaryFolder(), 'scratch');
    await mkdir(scratch, { mode: 0o700 });
    await mariadb.restore({
      source: SOURCE,
      work: testWork(),
      chain: chain ?? (await readers(site)),
      scratch,
      paths: [],
      replay: { logs, target },
    });
    assert.deepEqual(
      (await readdir(scratch)).filter((name) => name.startsWith('.')),
      [],
    );
    return scratch;
  }

  /** A backup of which nothing may be fetched. */
  function unread(backup: BackupReader): BackupReader {
    return { ...backup, into: () => assert.fail('something was fetched') };
  }

  async function keptIn(data: string): Promise<string | null> {
    return onRestored(data, async (connection) => (await one(connection, found, KEPT)).tables);
  }

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('P19 a recovery to just before a DROP, by GTID, keeps the table; to the DROP itself, it is gone', async () => {
    const { site, shipping } = await made();
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    await shipping.ship();
    await server.sql("INSERT INTO shop.kept VALUES (3); CREATE USER late@localhost IDENTIFIED BY 'x'");
    await server.sql('DROP TABLE shop.kept');
    const drop = await gtid();
    await server.sql('CREATE TABLE shop.afterwards (id int)');
    await shipping.ship();
    const before = await restore(site, shipping.sealed, { kind: 'before', position: drop });
    assert.equal(await keptIn(before), '1,2,3');
    assert.deepEqual(await onRestored(before, (connection) => one(connection, found, STATE)), {
      tables: 'kept',
      accounts: 0,
    });
    const including = await restore(site, shipping.sealed, { kind: 'position', position: drop });
    assert.deepEqual(await onRestored(including, (connection) => one(connection, found, STATE)), {
      tables: null,
      accounts: 0,
    });
    const end = await restore(site, shipping.sealed, { kind: 'end' });
    assert.equal((await onRestored(end, (connection) => one(connection, found, STATE))).tables, 'afterwards');
  }).timeout(120_000);

  it('P19 a recovery to just before the first transaction after the backup is the backup', async () => {
    const { site, shipping } = await made();
    await server.sql('DROP TABLE shop.kept');
    const drop = await gtid();
    await shipping.ship();
    assert.equal(await keptIn(await restore(site, shipping.sealed, { kind: 'before', position: drop })), '1');
  });

  it('P20 a recovery to a time is the same where the worker lives in Tokyo', async () => {
    const { site, shipping } = await made();
    await wait(1_100);
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    await wait(2_100);
    const time = new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();
    await wait(1_100);
    await server.sql('DROP TABLE shop.kept');
    await wait(1_100);
    await shipping.ship();
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    try {
      assert.equal(new Date(0).getHours(), 9, 'the zone counts');
      assert.equal(await keptIn(await restore(site, shipping.sealed, { kind: 'time', time })), '1,2');
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  }).timeout(120_000);

  it('P21 a purged binary log fails the shipping, once; what is shipped then is of another lineage', async () => {
    const { site, shipping } = await made();
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    await shipping.ship();
    for (const id of [3, 4, 5]) await server.sql(`INSERT INTO shop.kept VALUES (${id}); FLUSH BINARY LOGS`);
    const names = async () => (await server.sql('SHOW BINARY LOGS')).map((line) => line.split('\t')[0] ?? '');
    const kept = (await names()).at(-2) ?? '';
    // A server keeps what its own recovery from a crash would still need.
    await until('the files are purged', async () => {
      await server.sql(`FLUSH ENGINE LOGS; PURGE BINARY LOGS TO '${kept}'`);
      return (await names())[0] === kept;
    });
    const hole = await isBackupError(shipping.ship(), 'conflict');
    assert.match(hole.message, /The binary logs have a hole: mysql-bin\.\d+, up to 0-1-\d+, is shipped/);
    assert.match(hole.remedy ?? '', /Take a full backup now/);
    const next = await shipping.ship();
    assert.notEqual(next?.manifest.position?.['lineage'], shipping.sealed[0]?.manifest.position?.['lineage']);
    assert.match(next?.manifest.warnings[0]?.message ?? '', /begin anew with mysql-bin/);
    await isBackupError(restore(site, shipping.sealed, { kind: 'end' }), 'refused');
  }).timeout(120_000);

  it('P21 what RESET MASTER leaves behind is a history of its own, though names and GTIDs of before come again', async () => {
    // So that the first logs of each hold low numbers.
    await server.sql('RESET MASTER');
    const { site, shipping } = await made();
    const fill = async (ids: readonly number[]) => {
      for (const id of ids) await server.sql(`INSERT INTO shop.kept VALUES (${id}); FLUSH BINARY LOGS`);
      return shipping.ship();
    };
    await fill([2, 3, 4, 5]);
    const old = await fill([6, 7, 8, 9]);
    await server.sql('RESET MASTER');
    await server.sql('INSERT INTO shop.kept VALUES (10)');
    await isBackupError(shipping.ship(), 'conflict');
    await shipping.ship();
    const [before] = await readers(site);
    await capture(site, '2026-03-01T03:00:00Z');
    const now = await fill([11, 12]);
    const after = (await readers(site)).at(-1);
    assert.ok(before && after && old && now);
    const all = shipping.sealed.map(({ manifest }) => manifest);
    const last = (base: BackupReader) => {
      const selection = mariadb.select?.(base.manifest, all, { kind: 'end' });
      return selection?.reached ? selection.logs.at(-1)?.id : selection?.why;
    };
    assert.equal(last(after), now.manifest.id);
    assert.equal(last(before), old.manifest.id);
  }).timeout(120_000);

  it('P21 a missing log is refused before anything is fetched: in the middle, at either end, inside a backup of logs', async () => {
    const { site, shipping } = await made();
    for (const id of [2, 3, 4]) {
      await server.sql(
        `INSERT INTO shop.kept VALUES (${id}); FLUSH BINARY LOGS; INSERT INTO shop.kept VALUES (1${id})`,
      );
      await shipping.ship();
    }
    const chain = (await readers(site)).map(unread);
    const [first, second, third] = shipping.sealed;
    assert.ok(first && second && third);
    const refuse = async (logs: readonly BackupReader[], target: RestoreTarget, reason: RegExp) => {
      assert.match((await isBackupError(restore(site, logs, target, chain), 'refused')).message, reason);
    };
    await refuse([first, third], { kind: 'end' }, /have a hole between/);
    await refuse([second, third], { kind: 'end' }, /the logs begin with .*, and the backup needs them from/);
    await refuse([], { kind: 'end' }, /no logs are there/);
    const [, ...fewer] = second.manifest.artifacts;
    const lacking: Manifest = { ...second.manifest, artifacts: fewer };
    await refuse([first, { ...second, manifest: lacking }, third], { kind: 'end' }, /lacks mysql-bin\.\d+/);
    // mariadb-binlog ends with 0 in each of these cases, too.
    await refuse([first, second], { kind: 'position', position: await gtid() }, /the logs end at/);
    await refuse([first], { kind: 'position', position: '0-1-1' }, /the backup already has/);
    await refuse([first], { kind: 'time', time: '2999-01-01T00:00:00Z' }, /the logs reach to/);
    await refuse([first], { kind: 'time', time: '2020-01-01T00:00:00Z' }, /the backup is of/);
    assert.equal(await keptIn(await restore(site, shipping.sealed, { kind: 'end' })), '1,2,3,4,12,13,14');
  }).timeout(120_000);

  it('records an idle time alone while nothing is committed, and ships each file once', async () => {
    const { shipping } = await made();
    const first = await shipping.ship();
    assert.ok(first);
    const before = await server.sql('SHOW BINARY LOGS');
    const idle = await shipping.ship();
    assert.deepEqual([idle?.manifest.position?.['idle'], idle?.manifest.artifacts], [true, []]);
    assert.deepEqual(await server.sql('SHOW BINARY LOGS'), before, 'the server was left alone');
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    const second = await shipping.ship();
    assert.equal(second?.manifest.artifacts.length, 1);
    assert.equal(second.manifest.position?.['gtidStart'], first.manifest.position?.['gtidEnd']);
    assert.equal(second.manifest.position?.['gtidEnd'], await gtid());
    assert.deepEqual(second.manifest.warnings, []);
  });

  it('P52 a time in an idle tail that logs cover restores: behind logs, and behind a backup that was taken in it', async () => {
    const { site, shipping } = await made();
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    await shipping.ship();
    const [early] = await readers(site);
    assert.ok(early);
    await server.sql('FLUSH BINARY LOGS');
    const late = await captureAgain(site);
    const tail = await idleBehind(shipping, late.manifest.finished);
    const target: RestoreTarget = { kind: 'time', time: tail };
    for (const base of [early, late]) {
      assert.equal(await keptIn(await restore(site, selected(base, shipping, target), target, [base])), '1,2');
    }
    const beyond: RestoreTarget = { kind: 'time', time: new Date(Date.parse(tail) + 1000).toISOString() };
    for (const base of [early, late]) {
      assert.equal(selection(base, shipping, beyond).reached, false);
      const logs = selected(base, shipping, target);
      const refused = await isBackupError(restore(site, logs, beyond, [unread(base)]), 'refused');
      assert.match(refused.message, /reach to .* only/);
    }
    // Where something was committed after all, the time behind it needs its logs.
    await server.sql('INSERT INTO shop.kept VALUES (3)');
    const [committed = ''] = await server.sql("SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')");
    await shipping.ship();
    // Covered times are whole seconds: one that is merely behind `tail` may be the second of the commit, before it.
    const after = await idleBehind(shipping, committed);
    const later: RestoreTarget = { kind: 'time', time: after };
    for (const base of [early, late]) {
      const logs = selected(base, shipping, later);
      assert.equal(await keptIn(await restore(site, logs, later, [base])), '1,2,3');
      const lacking = logs.filter(({ manifest }) => manifest.artifacts.length === 0);
      await isBackupError(restore(site, lacking, later, [unread(base)]), 'refused');
    }
  }).timeout(120_000);

  /** Another full, of the next minute. */
  async function captureAgain(site: Site): Promise<BackupReader> {
    await rm(path.join(site.state, 'sources'), { recursive: true, force: true });
    await capture(site, `2026-03-01T03:0${runs}:00Z`);
    const found = (await readers(site)).at(-1);
    assert.ok(found);
    return found;
  }

  /** Ships until an idle time behind a moment is covered; until when. */
  async function idleBehind(shipping: Shipping, moment: string): Promise<string> {
    const covered = () => shipping.sealed.at(-1)?.manifest.coversUntil ?? '';
    await until('the idle time is covered', async () => {
      await shipping.ship();
      return Date.parse(covered()) > Date.parse(moment);
    });
    return covered();
  }

  function selection(base: BackupReader, { sealed }: Shipping, target: RestoreTarget): LogSelection {
    const logs = sealed.map(({ manifest }) => manifest);
    const found = mariadb.select?.(base.manifest, logs, target);
    assert.ok(found);
    return found;
  }

  function selected(base: BackupReader, shipping: Shipping, target: RestoreTarget): readonly BackupReader[] {
    const found = selection(base, shipping, target);
    assert.ok(found.reached, found.reached ? '' : found.why);
    return shipping.sealed.filter(({ manifest }) => found.logs.includes(manifest));
  }

  it('ships in steps what its disk has no room for at once, and says when there is room for nothing', async () => {
    const { site } = await made();
    await server.sql('CREATE TABLE shop.big (id int PRIMARY KEY, body longblob)');
    await withSmallDisk(160, async (disk) => {
      const shipping = await makeShipping(site, disk);
      await shipping.ship();
      for (const id of [1, 2, 3, 4, 5])
        await server.sql(`INSERT INTO shop.big VALUES (${id}, REPEAT('x', 15000000)); FLUSH BINARY LOGS`);
      const last = await gtid();
      const first = await shipping.ship();
      assert.equal(first?.manifest.artifacts.length, 3);
      const until = shipping.sealed[0]?.manifest.coversUntil;
      assert.equal(first.manifest.coversUntil, until, 'what it reaches behind the logs before is not known');
      const second = await shipping.ship();
      assert.equal(second?.manifest.position?.['gtidStart'], first.manifest.position?.['gtidEnd']);
      assert.equal(second?.manifest.position?.['gtidEnd'], last);
      assert.ok(Date.parse(second?.manifest.coversUntil ?? '') > Date.parse(until ?? ''));
      const data = await restore(site, shipping.sealed, { kind: 'end' });
      const count = await onRestored(data, (connection) => one(connection, found, BIG));
      assert.deepEqual(count, { tables: '75000000', accounts: 0 });
      await server.sql('INSERT INTO shop.kept VALUES (9)');
      await writeFile(path.join(disk, 'filler'), Buffer.alloc(96 * 2 ** 20));
      await isBackupError(shipping.ship(), 'no-space');
      await rm(path.join(disk, 'filler'));
      assert.equal((await shipping.ship())?.manifest.position?.['gtidEnd'], await gtid());
    });
  }).timeout(120_000);

  it('refuses logs of another history, although their names fit', async () => {
    const { site, shipping } = await made();
    await server.sql('INSERT INTO shop.kept VALUES (2)');
    await shipping.ship();
    const chain = await readers(site);
    const [backup] = chain;
    assert.ok(backup);
    const position = { ...backup.manifest.position, gtid: '0-1-1' };
    const foreign = [{ ...backup, manifest: { ...backup.manifest, position } }];
    const refused = await isBackupError(
      restore(site, shipping.sealed, { kind: 'end' }, foreign),
      'verification-failed',
    );
    assert.match(refused.message, /The logs are not those of the backup/);
  });
});
