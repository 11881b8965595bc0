/** Each claim of a check of a PostgreSQL backup can fail: rows in rows.test.ts, relations and pages in capture.test.ts, the others here. */
import assert from 'node:assert/strict';
import { readdir, truncate } from 'node:fs/promises';
import path from 'node:path';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import type { Session } from '../../../../activities/sources/postgres/session.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Check } from '../../../../model/evidence.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onlyBackup, onRestored, reader, restoreTo, SOURCE } from './backups.ts';

describe('the check of a PostgreSQL backup', () => {
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    await server.sql('CREATE DATABASE shop');
    await server.sql(`CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'`);
    await server.sql('CREATE EXTENSION hstore');
    await server.sql('CREATE ROLE clerk LOGIN');
    await server.sql(`CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE felt AS SELECT 'sad'::mood AS mood`);
    await server.sql(`CREATE TABLE pairs AS SELECT 'a=>1'::hstore AS pair`);
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await capture(site, '2026-03-01T02:00:00Z');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  async function restored(): Promise<string> {
    const data = path.join(folder, `restored-${restores++}`);
    await restoreTo(site, await onlyBackup(site), data);
    return data;
  }

  function change(data: string, use: (session: Session) => Promise<void>): Promise<void> {
    return onRestored({ data, binaries: server.binaries.folder }, use);
  }

  async function check(data: string): Promise<ReadonlyMap<string, Check>> {
    const chain = [await reader(site, await onlyBackup(site))];
    const scratch = await temporaryFolder();
    const checks = await postgres.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
    return new Map(checks.map((each) => [each.name, each]));
  }

  function failures(checks: ReadonlyMap<string, Check>): readonly string[] {
    return [...checks.values()].filter(({ compared, ok }) => compared && !ok).map(({ name }) => name);
  }

  it('finds nothing in a good one', async () => {
    const checks = await check(await restored());
    assert.deepEqual(failures(checks), []);
    assert.match(checks.get('collations')?.detail ?? '', /^1 databases, sorted by the version that is here/);
    assert.match(checks.get('dump')?.detail ?? '', /^pg_dump reads \d databases to their ends$/);
  });

  it('notices rows that nobody can read, though pages, indexes and catalogues are in order', async () => {
    const data = await restored();
    await change(data, (session) => session.run('DELETE FROM pg_catalog.pg_enum'));
    const checks = await check(data);
    assert.deepEqual(failures(checks), ['dump']);
    assert.match(checks.get('dump')?.detail ?? '', /postgres: .*invalid internal value for enum/s);
  });

  it('says that rows were not read whose library this machine lacks, and holds it against no backup', async () => {
    const data = await restored();
    await change(data, (session) =>
      session.run("UPDATE pg_catalog.pg_proc SET probin = '$libdir/not_here' WHERE proname = 'hstore_out'"),
    );
    const checks = await check(data);
    assert.deepEqual(failures(checks), []);
    assert.equal(checks.get('dump')?.compared, false);
    assert.match(checks.get('dump')?.detail ?? '', /not every row was read: postgres: .*not_here/s);
  });

  it('notices a database, an extension and a role that are missing, and another version of a collation', async () => {
    const data = await restored();
    await change(data, async (session) => {
      await session.run('DROP DATABASE shop');
      await session.run('DROP EXTENSION hstore CASCADE');
      await session.run('ALTER ROLE clerk NOLOGIN');
      await session.run(`UPDATE pg_catalog.pg_database SET datcollversion = '0.1' WHERE datname = 'sorted'`);
    });
    const checks = await check(data);
    assert.deepEqual(failures(checks), ['databases', 'extensions', 'roles', 'collations']);
    assert.match(checks.get('databases')?.detail ?? '', /missing or differ: shop/);
    assert.match(checks.get('extensions')?.detail ?? '', /hstore \S+ in postgres/);
    assert.match(checks.get('roles')?.detail ?? '', /clerk/);
    assert.match(checks.get('collations')?.detail ?? '', /REINDEX before use: sorted \(0\.1, here /);
  });

  it('notices one that does not start, and says that nothing else was compared', async () => {
    const data = await restored();
    const wal = path.join(data, 'pg_wal');
    for (const name of await readdir(wal)) if (/^[0-9A-F]{24}$/.test(name)) await truncate(path.join(wal, name));
    const checks = await check(data);
    assert.deepEqual(failures(checks), ['start']);
    const [start, ...others] = checks.values();
    assert.match(start?.detail ?? '', /did not start: .*(checkpoint record|FATAL)/);
    assert.ok(others.every(({ compared, ok }) => !compared && !ok));
  });
});
