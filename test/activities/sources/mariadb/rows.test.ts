/** Rows of a MariaDB source: transactional tables by a snapshot whose place in the binary log is known, all others before and after. */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { readBySnapshot } from '../../../../activities/sources/mariadb/snapshot.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Check } from '../../../../model/evidence.ts';
import { mariadbEntry } from '../../../../model/inventory.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onRestored, prove, readers, restoreTo, SOURCE } from './backups.ts';
import { makeJournal, startLoad, type Load } from './journal.ts';

describe('rows of a MariaDB source', () => {
  let folder: string;
  let server: TestMariadb;
  let load: Load | undefined;

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await makeJournal(server);
    await server.sql('CREATE DATABASE shop; USE shop; CREATE TABLE still AS SELECT seq AS id FROM seq_1_to_2000');
  });
  afterEach(async () => {
    await load?.stop();
    load = undefined;
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function siteFor(name: string): Promise<Site> {
    const own = path.join(folder, name);
    await mkdir(own);
    const check = { password: { file: server.passwords.check } };
    const { site } = await makeSite({ folder: own, sources: { [SOURCE]: server.config({ check }) } });
    return site;
  }

  async function checking() {
    const password = (await readFile(server.passwords.check, 'utf8')).trimEnd();
    return { ...server.connection(), user: 'mosaic_check', password };
  }

  async function underLoad(name: string): Promise<{ readonly site: Site; readonly warnings: readonly string[] }> {
    await server.sql('UPDATE ledger.control SET stop = 0');
    load = startLoad(server);
    const site = await siteFor(name);
    const before = await load.count();
    const { warnings } = await capture(site, '2026-03-01T02:00:00Z');
    assert.ok((await load.count()) > before + 20, 'it is written to meanwhile');
    await load.stop();
    load = undefined;
    return { site, warnings };
  }

  async function checkRows(restored: string, chain: readonly BackupReader[], expendable: boolean): Promise<Check> {
    const scratch = await temporaryFolder();
    const checks = await mariadb.check({ source: SOURCE, work: testWork(), chain, restored, scratch, expendable });
    const rows = checks.find(({ name }) => name === 'rows');
    assert.ok(rows);
    return rows;
  }

  it('P15 rows of transactional tables are compared and equal, though writers never stop; others that were written to are named', async () => {
    const { site, warnings } = await underLoad('load');
    assert.equal(warnings.length, 1, String(warnings));
    assert.match(warnings[0] ?? '', /^tables without transactions: /);
    const checks = await prove(site, path.join(folder, 'load', 'proof'));
    for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
    assert.match(
      checks.get('rows')?.detail ?? '',
      /^5 tables with \d+ rows are equal; not compared: ledger\.notes_0, ledger\.notes_1, ledger\.visits_0, ledger\.visits_1: written to during the capture$/,
    );
  });

  it('fails for a row that is another in what was restored, and says when the folder must stay as it is', async () => {
    const { site } = await underLoad('differs');
    const chain = await readers(site);
    const data = path.join(folder, 'differs', 'restored');
    await restoreTo(site, data);
    const kept = await checkRows(data, chain, false);
    assert.deepEqual([kept.compared, kept.ok], [false, false]);
    assert.match(kept.detail, /known for a moment after the backup’s end, and this folder stays as it is/);
    await onRestored(data, async (connection) => {
      await run(connection, 'UPDATE shop.still SET id = -id WHERE id = 7', { signal: testWork().signal });
    });
    const differs = await checkRows(data, chain, true);
    assert.deepEqual([differs.compared, differs.ok], [true, false]);
    assert.match(differs.detail, /^1 tables differ: shop\.still \(same number of rows, other content\)/);
  });

  it('fails where what lies between the backup and the snapshot does not fit to what was restored', async () => {
    const { site } = await underLoad('lost');
    const chain = await readers(site);
    const data = path.join(folder, 'lost', 'restored');
    await restoreTo(site, data);
    await onRestored(data, async (connection) => {
      await run(connection, 'DELETE FROM ledger.accounts', { signal: testWork().signal });
    });
    const rows = await checkRows(data, chain, true);
    assert.deepEqual([rows.compared, rows.ok], [true, false]);
    assert.match(rows.detail, /cannot be replayed/);
  });

  it('records where the snapshot stood, and reads nothing through another session', async () => {
    const site = await siteFor('idle');
    await capture(site, '2026-03-01T02:00:00Z');
    const [backup] = await readers(site);
    assert.ok(backup);
    const entries: unknown[] = [];
    for await (const line of backup.lines('inventory')) entries.push(JSON.parse(line));
    const found = entries.slice(1).map((entry) => mariadbEntry.parse(entry));
    const snapshot = found.find((entry) => entry.entry === 'snapshot');
    const { binlogFile, binlogPosition } = backup.manifest.position ?? {};
    assert.deepEqual([snapshot?.file, snapshot?.position], [binlogFile, binlogPosition]);
    assert.ok(!backup.manifest.artifacts.some(({ role }) => role === 'check-binlog'), 'nothing was written meanwhile');

    const connection = await checking();
    const tables = Array.from({ length: 3000 }, () => ({ database: 'ledger', name: 'journal', loose: [] }));
    const reading = isBackupError(readBySnapshot(connection, tables, testWork().signal), 'failed');
    for (;;) {
      const [id] = await server.sql("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'mosaic_check'");
      if (id !== undefined) {
        await wait(50);
        await server.sql(`KILL ${id}`);
        break;
      }
    }
    assert.match((await reading).message, /was lost/);
  });

  it('names a table that is gone when it is to be read, and reads the others', async () => {
    await server.sql('CREATE TABLE shop.there AS SELECT 1 AS id');
    const connection = await checking();
    const name = { database: 'shop', name: 'there', loose: [] };
    const gone = { database: 'shop', name: 'gone', loose: [] };
    const { tables, unread } = await readBySnapshot(connection, [gone, name], testWork().signal);
    assert.deepEqual([tables.map((table) => table.name), unread.map((table) => table.name)], [['there'], ['gone']]);
    assert.match(unread[0]?.why ?? '', /gone' doesn't exist/);
  });
});
