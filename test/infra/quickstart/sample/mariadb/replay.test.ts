/** The replay that proves the wiki's restores: it must find whatever is not as the journal says. */
import assert from 'node:assert/strict';
import { cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { startServer, WITHOUT_ACCOUNTS, type PrivateServer } from '../../../../../activities/sources/mariadb/server.ts';
import { run } from '../../../../../activities/sources/mariadb/session.ts';
import { wikiTables } from '../../../../../infra/quickstart/sample/mariadb/ledger.ts';
import { replay } from '../../../../../infra/quickstart/sample/mariadb/replay.ts';
import { startWorkload } from '../../../../../infra/quickstart/sample/mariadb/workload.ts';
import { cleanUp, temporaryFolder } from '../../../../support/folders.ts';
import { until } from '../../../../support/until.ts';
import { startWiki } from './wiki.ts';

const { signal } = new AbortController();

describe('sample: replay of the journal of the wiki', () => {
  let source: PrivateServer;
  /** A copy of the source's data folder, without its triggers: what is changed there no journal tells. */
  let restored: PrivateServer;
  let confirmed = 0;

  before(async () => {
    const folder = await temporaryFolder();
    source = await startWiki(folder);
    const workload = await startWorkload(source.connection, 0);
    await until(
      '200 transactions',
      async () => workload.failure() !== undefined || (await workload.confirmed()) >= 200,
    );
    await workload.stop();
    assert.equal(workload.failure(), undefined);
    confirmed = await workload.confirmed();
    restored = await copyOf(folder);
  });

  after(async () => {
    await restored.stop('immediate');
    await source.stop();
    await cleanUp();
  });

  async function copyOf(folder: string): Promise<PrivateServer> {
    await source.stop();
    const data = path.join(folder, 'restored');
    const runtime = path.join(folder, 'restored-run');
    await cp(path.join(folder, 'mariadb'), data, { recursive: true });
    await rm(path.join(data, 'aria_log_control'), { force: true });
    await mkdir(runtime);
    source = await startServer({ data: path.join(folder, 'mariadb'), runtime: path.join(folder, 'run'), signal });
    const copy = await startServer({ data, runtime, args: [WITHOUT_ACCOUNTS], signal });
    const tables = await wikiTables(copy.connection, { signal });
    const events = ['insert', 'update', 'delete'];
    const triggers = tables.flatMap(({ name }) => events.map((event) => `DROP TRIGGER wiki.record_${event}_${name}`));
    await run(copy.connection, ['CREATE DATABASE test', ...triggers].join(';\n'), { signal });
    return copy;
  }

  async function failing(lastConfirmed = confirmed): Promise<readonly string[]> {
    const { checks } = await replay(restored.connection, source.connection, lastConfirmed, { signal });
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  }

  /** The names of the checks that fail once the wiki was damaged. The damage is mended afterwards. */
  async function damaged(sql: string, mend: string): Promise<readonly string[]> {
    await run(restored.connection, `SET foreign_key_checks = 0; ${sql}`, { signal });
    const found = await failing();
    await run(restored.connection, `SET foreign_key_checks = 0; ${mend}`, { signal });
    return found;
  }

  it('agrees with a wiki that is as it was', async () => {
    const found = await replay(restored.connection, source.connection, confirmed, { signal });
    assert.deepEqual(
      found.checks.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(found.tables, 10);
    assert.equal(found.last, confirmed);
  });

  it('finds a row that is lost, whether the journal names it or not', async () => {
    const last = "(SELECT MAX(id) FROM ledger.operation WHERE relation = 'pages')";
    for (const id of [last, '4']) {
      const found = await damaged(
        `CREATE TABLE test.kept AS SELECT * FROM wiki.pages WHERE id = ${id}; DELETE FROM wiki.pages WHERE id = ${id}`,
        'INSERT INTO wiki.pages SELECT * FROM test.kept; DROP TABLE test.kept',
      );
      assert.deepEqual(found, ['rows: pages'], id);
    }
  });

  it('finds a row that came back, one that changed by one letter, and two that changed places', async () => {
    const added = "INSERT INTO wiki.books VALUES (61, 'Book', 'book-61', 'About it.', 1, '2025-01-01')";
    assert.deepEqual(await damaged(added, 'DELETE FROM wiki.books WHERE id = 61'), ['rows: books']);
    // One that any collation but the binary one takes for the same.
    const changed = (from: string, to: string) =>
      `UPDATE wiki.users SET name = REPLACE(name, '${from}', '${to}') WHERE id = 7`;
    assert.deepEqual(await damaged(changed('Ł', 'ł'), changed('ł', 'Ł')), ['rows: users']);
    const swap = "UPDATE wiki.books SET slug = IF(id = 1, 'book-2', 'book-1') WHERE id IN (1, 2)";
    const back = "UPDATE wiki.books SET slug = CONCAT('book-', id)";
    assert.deepEqual(await damaged(swap, back), ['rows: books']);
  });

  it('finds a change that the journal has and the table lacks', async () => {
    const id =
      "(SELECT id FROM ledger.operation WHERE relation = 'pages' AND `before` IS NOT NULL ORDER BY number DESC LIMIT 1)";
    const lost = `SET @id = ${id}; CREATE TABLE test.kept AS SELECT * FROM wiki.pages WHERE id = @id; UPDATE wiki.pages SET html = 'lost' WHERE id = @id`;
    const mend = `UPDATE wiki.pages JOIN test.kept USING (id) SET pages.html = kept.html; DROP TABLE test.kept`;
    assert.deepEqual(await damaged(lost, mend), ['rows: pages']);
  });

  it('finds a table that is gone', async () => {
    assert.deepEqual(await damaged('RENAME TABLE wiki.tags TO test.tags', 'RENAME TABLE test.tags TO wiki.tags'), [
      'rows: tags',
    ]);
  });

  it('finds a hole in the journal, one that ends too early, and one that is not the one of the source', async () => {
    const kept = 'CREATE TABLE test.kept AS SELECT * FROM ledger.journal WHERE number = 100;';
    const back = 'REPLACE INTO ledger.journal SELECT * FROM test.kept; DROP TABLE test.kept';
    const hole = await damaged(`${kept} DELETE FROM ledger.journal WHERE number = 100`, back);
    assert.deepEqual(hole, ['journal: whole', 'journal: of the source']);
    const other = await damaged(`${kept} UPDATE ledger.journal SET what = 'nothing' WHERE number = 100`, back);
    assert.deepEqual(other, ['journal: of the source']);
    assert.deepEqual(await failing(confirmed + 1), ['journal: whole']);
  });

  it('does not let anybody change the wiki past the journal', async () => {
    await assert.rejects(run(source.connection, "UPDATE wiki.users SET name = 'x'", { signal }), /number/);
  });

  it('still agrees after the oldest transactions were folded into the base', async () => {
    await run(restored.connection, `CALL ledger.fold(${confirmed - 50})`, { signal });
    assert.deepEqual(await failing(), []);
    const changed = (html: string) => `UPDATE wiki.pages SET text = '${html}' WHERE id = 4`;
    assert.deepEqual(await damaged(changed('Other'), changed('Text')), ['rows: pages']);
  });
});
