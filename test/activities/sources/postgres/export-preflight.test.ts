import assert from 'node:assert/strict';
import { z } from 'zod';
import { loadSite } from '../../../../activities/config/load.ts';
import { exportConnection } from '../../../../activities/sources/postgres/connection.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { stateBehind, withSession, type Session } from '../../../../activities/sources/postgres/session.ts';
import type { Site } from '../../../../activities/site.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type PostgresInput, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { captureExport, exportedDatabases, newest } from './exports.ts';
import { contextOf, SOURCE } from './backups.ts';

/** SQLSTATEs. */
const [READ_ONLY, NO_RIGHT] = ['25006', '42501'];

describe('the role that exports a PostgreSQL source', function () {
  // Each captures once or twice, which takes long on a busy machine.
  this.timeout(180_000);
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  let hour = 0;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, tls: true });
    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE ROLE app; CREATE TABLE kept AS SELECT 1 AS one; CREATE TABLE own (id int)', 'shop');
    const sources = { [SOURCE]: server.config('tcp', { export: { password: { file: server.passwords.export } } }) };
    site = await loadSite({ file: (await makeSite({ folder, sources })).file });
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  function withRole(): Partial<PostgresInput> {
    return { export: { password: { file: server.passwords.export } } };
  }

  async function findings(options: Partial<PostgresInput> = {}) {
    const input = { ...withRole(), ...options };
    const found = await postgres.preflight(contextOf(site, server.source('tcp', input), folder));
    return found.filter(({ code }) => code.startsWith('postgres.export'));
  }

  /** What a weekly says that it lacks, and what it holds all the same. */
  async function captured(): Promise<{
    readonly warnings: string;
    readonly partial: boolean;
    readonly databases: readonly unknown[];
  }> {
    hour += 1;
    const { partial, warnings } = await captureExport(site, `2026-11-22T${String(hour).padStart(2, '0')}:00:00Z`);
    return { warnings: warnings.join('\n'), partial, databases: exportedDatabases(await newest(site)) };
  }

  it('P12 suffices as infra/roles makes it, by TCP with TLS, and can write nothing', async () => {
    assert.deepEqual(await findings(), []);
    const { partial, databases } = await captured();
    assert.equal(partial, false);
    assert.deepEqual(databases, ['postgres', 'shop', 'template1']);
    const [role] = await server.sql(
      "SELECT rolsuper, rolcreatedb, rolreplication FROM pg_roles WHERE rolname = 'mosaic_export'",
    );
    assert.deepEqual(role, { rolsuper: false, rolcreatedb: false, rolreplication: false });
    const connection = await exportConnection(server.source('tcp', withRole()), site.readSecret);
    assert.ok(connection);
    const options = { application: 'test', database: 'shop', signal: testWork().signal };
    await withSession(connection, options, async (session) => {
      assert.deepEqual(await session.rows(z.unknown(), 'SELECT * FROM public.kept'), [{ one: 1 }]);
      const changes = ['INSERT INTO public.kept VALUES (2)', 'DROP TABLE public.kept', 'CREATE ROLE more'];
      // By its settings, and where it puts them aside by its rights.
      for (const change of changes) assert.equal(await refusalOf(session, change), READ_ONLY, change);
      await session.run('SET default_transaction_read_only = off');
      for (const change of changes) assert.equal(await refusalOf(session, change), NO_RIGHT, change);
    });
  });

  /** The server's own reason for refusing a statement. */
  async function refusalOf(session: Session, statement: string): Promise<string | undefined> {
    return session.run(statement).then(() => undefined, stateBehind);
  }

  it('without BYPASSRLS a database with row security is named, with the statement that mends it', async () => {
    await server.sql('ALTER TABLE own ENABLE ROW LEVEL SECURITY', 'shop');
    await server.sql('ALTER ROLE mosaic_export NOBYPASSRLS');
    const [found] = await findings();
    const { warnings, partial, databases } = await captured();
    await server.sql(found?.remedy ?? '');
    assert.equal(found?.code, 'postgres.export-row-security');
    assert.match(found.message, /shop\.public\.own/);
    // The others are exported, and the files are there in any case.
    assert.deepEqual([partial, databases], [true, ['postgres', 'template1']]);
    assert.match(warnings, /database "shop" was not exported: .*row-level security.*BYPASSRLS/);
    assert.deepEqual(await findings(), []);
  });

  it('large objects of others are named, with the statement that mends it', async () => {
    await server.sql("SET ROLE app; SELECT lo_from_bytea(0, 'hello')", 'shop');
    const [found] = await findings();
    assert.equal(found?.code, 'postgres.export-large-objects');
    assert.match(found.message, /shop \(1\)/);
    assert.match((await captured()).warnings, /database "shop" was not exported: .*large object/);
    const [, statement = ''] = /In that database: (DO .*?END \$\$;)/.exec(found.remedy ?? '') ?? [];
    await server.sql(statement, 'shop');
    assert.deepEqual(await findings(), []);
    assert.deepEqual((await captured()).databases, ['postgres', 'shop', 'template1']);
  });

  it('a lacking pg_read_all_data, CONNECT and role are named, each with its remedy', async () => {
    await server.sql('REVOKE pg_read_all_data FROM mosaic_export');
    const [read] = await findings();
    await server.sql(read?.remedy ?? '');
    assert.equal(read?.code, 'postgres.export-read');
    await server.sql('REVOKE CONNECT ON DATABASE shop FROM PUBLIC');
    const [connect] = await findings();
    assert.equal(connect?.code, 'postgres.export-connect');
    assert.match((await captured()).warnings, /database "shop" was not exported/);
    await server.sql(connect.remedy ?? '');
    assert.deepEqual(await findings(), []);
    const [role] = await findings({ export: { user: 'nobody_knows', password: { file: server.passwords.export } } });
    assert.equal(role?.code, 'postgres.export-role');
    assert.equal(role.severity, 'warning');
  });

  it('a database that allows no connections is named, and is nothing that the backup lacks', async () => {
    await server.sql('CREATE DATABASE closed ALLOW_CONNECTIONS false');
    const { warnings, partial } = await captured();
    await server.sql('DROP DATABASE closed');
    assert.match(warnings, /"closed" was not exported: it allows no connections/);
    assert.equal(partial, false);
  });

  it('without a role a weekly says that it holds no export and how to get one; with no tiers that is on purpose', async () => {
    const [info] = await findings({ export: undefined });
    assert.match(info?.remedy ?? '', /postgres-export\.sql/);
    const sources = {
      [SOURCE]: server.config('tcp'),
      none: server.config('tcp', { export: { tiers: [] } }),
    };
    const other = await makeSite({ folder: await temporaryFolder(), sources });
    const silent = await captureExport(other.site, '2026-11-22T01:00:00Z', 'weekly', 'none');
    assert.doesNotMatch(silent.warnings.join(), /logical export/);
    const loud = await captureExport(other.site, '2026-11-22T01:00:00Z');
    assert.match(loud.warnings.join(), /holds no logical export: .*postgres-export\.sql/);
    assert.equal(loud.partial, false);
  });
});
