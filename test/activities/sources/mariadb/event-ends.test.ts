/** Events whose time is over when a dump is loaded: the server makes them not again, which is no damage. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { checkExports } from '../../../../activities/sources/mariadb/export/check.ts';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Check } from '../../../../model/evidence.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onRestored, prove, readers, restoreTo, SOURCE } from './backups.ts';
import { captureExport } from './exports.ts';

/** Their time is over within seconds. Another zone than that of the server, which is no matter. */
const SCHEMA = `
  CREATE DATABASE shop; USE shop;
  CREATE TABLE orders (id int PRIMARY KEY);
  SET time_zone = '+05:30';
  CREATE EVENT once ON SCHEDULE AT NOW() + INTERVAL 2 SECOND DO SELECT 1;
  CREATE EVENT season ON SCHEDULE EVERY 1 SECOND ENDS NOW() + INTERVAL 2 SECOND DO SELECT 1;
  CREATE EVENT kept ON SCHEDULE AT NOW() + INTERVAL 2 SECOND ON COMPLETION PRESERVE DO SELECT 1;
  CREATE EVENT later ON SCHEDULE AT '2037-01-01 00:00:00' DO SELECT 1;
  CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR DO SELECT 1`;

const OVER = /2 events were not compared, since a dump makes none whose time is over: shop\.once, shop\.season$/;

describe('events of a MariaDB source whose time is over', function () {
  this.timeout(180_000);
  let folder: string;
  let server: TestMariadb;

  before(async () => {
    folder = await temporaryFolder();
    // It would drop them before the backup.
    server = await startMariadb({ folder, args: ['--event-scheduler=OFF'], roles: ['mariadb-logical.sql'] });
    await server.sql(SCHEMA);
    await until('the time of events is over', async () => {
      const [open] = await server.sql(
        'SELECT MAX(COALESCE(execute_at, ends) > UTC_TIMESTAMP()) FROM mysql.event WHERE name IN ("once", "season", "kept")',
      );
      return open === '0';
    });
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function siteFor(name: string, options: Parameters<TestMariadb['config']>[0]): Promise<Site> {
    const own = path.join(folder, name);
    await mkdir(own);
    return (await makeSite({ folder: own, sources: { [SOURCE]: server.config(options) } })).site;
  }

  async function look(chain: readonly BackupReader[], data: string): Promise<Check> {
    const scratch = await temporaryFolder();
    const checks = await mariadb.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
    return named(checks, 'events');
  }

  function named(checks: Iterable<Check>, name: string): Check {
    const found = [...checks].find((check) => check.name === name);
    assert.ok(found);
    return found;
  }

  it('are left aside in the check of a dump; others that lack are a flaw, and so are all of a backup that tells no ends', async () => {
    const site = await siteFor('dump', { method: 'logical' });
    await capture(site, '2026-03-01T02:00:00Z');
    const good = named((await prove(site, path.join(folder, 'dump', 'proof'))).values(), 'events');
    assert.equal(good.ok, true, good.detail);
    assert.match(good.detail, /^3 as in the inventory; /);
    assert.match(good.detail, OVER);

    const data = path.join(folder, 'dump', 'restored');
    await restoreTo(site, data);
    const chain = await readers(site);
    const old = await look(chain.map(withoutEnds), data);
    assert.equal(old.ok, false);
    assert.match(old.detail, /^3 of 5 are missing or differ: shop\.kept, shop\.once, shop\.season$/);
    const { signal } = testWork();
    await onRestored(data, (connection) =>
      run(connection, "DELETE FROM mysql.event WHERE name IN ('kept', 'later', 'yearly')", { signal }),
    );
    const bad = await look(chain, data);
    assert.equal(bad.ok, false);
    assert.match(bad.detail, /^3 of 5 are missing or differ: shop\.kept, shop\.later, shop\.yearly; 2 events/);
  });

  /** As an older version has captured it. */
  function withoutEnds(backup: BackupReader): BackupReader {
    return {
      ...backup,
      async *lines(role: string) {
        for await (const line of backup.lines(role)) {
          const { ends: _ends, preserved: _preserved, ...rest } = JSON.parse(line) as Record<string, unknown>;
          yield JSON.stringify(rest);
        }
      },
    };
  }

  it('are left aside in the check of an export, and compared in that of the files', async () => {
    const site = await siteFor('export', { export: { password: { file: server.passwords.export } } });
    await captureExport(site);
    const chain = await readers(site);
    const scratch = await temporaryFolder();
    const [found] = await checkExports({ source: SOURCE, work: testWork(), chain, restored: scratch, scratch });
    assert.equal(found?.ok, true, found?.detail);
    assert.match(found.detail, OVER);
    const files = named((await prove(site, path.join(folder, 'export', 'proof'))).values(), 'events');
    assert.deepEqual([files.ok, files.detail], [true, '5 as in the inventory']);
  });
});
