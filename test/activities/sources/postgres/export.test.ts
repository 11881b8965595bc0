import assert from 'node:assert/strict';
import { appendFile, chmod, cp, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { checkExports } from '../../../../activities/sources/postgres/export/check.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { exportsOf } from '../../../../model/export.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { failure } from '../../streams/artifacts.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { listed, names, prove, reader, restoreTo } from './backups.ts';
import {
  captureExport,
  exportedDatabases,
  fill,
  flip,
  lastPartWhen,
  newest,
  ODD,
  ready,
  restoreExport,
  rowsOf,
} from './exports.ts';

for (const major of [15, 18])
  describe(`exports of a PostgreSQL ${major} source`, function () {
    // Servers are made and captured, which takes long on a busy machine.
    this.timeout(180_000);
    let folder: string;
    let server: TestPostgres;
    let made: TestSite;

    // What does not depend on the version is shown on one.
    function onFifteen(title: string, body: () => Promise<void>): void {
      if (major === 15) it(title, body);
    }

    before(async () => {
      folder = await temporaryFolder();
      server = await startPostgres({ folder, major });
      await fill(server);
      made = await makeSite({ folder, sources: { db: server.config('socket', { export: {} }) } });
      await captureExport(made.site, '2026-11-22T01:00:00Z');
    });
    after(async () => {
      await server?.stop('immediate');
      await cleanUp();
    });

    async function databases(): Promise<readonly unknown[]> {
      const found = await server.sql('SELECT datname FROM pg_database ORDER BY 1');
      return found.map(({ datname }) => datname);
    }

    it('a weekly holds one of each database by its name, as of one moment; a daily holds none', async () => {
      const backup = await newest(made.site);
      assert.deepEqual(exportedDatabases(backup), [ODD, 'postgres', 'shop', 'template1'].toSorted());
      assert.deepEqual(
        backup.manifest.warnings.filter(({ code }) => code.includes('export')),
        [],
      );
      const [first, ...more] = exportsOf(backup.manifest).filter((artifact) => artifact.export.scope === 'database');
      for (const {
        export: { at },
      } of more)
        assert.ok(Math.abs(Date.parse(at) - Date.parse(first?.export.at ?? '')) < 5_000);
      assert.equal((await captureExport(made.site, '2026-11-22T02:00:00Z', 'daily')).partial, false);
      assert.deepEqual(exportedDatabases(await newest(made.site)), []);
    });

    it('is proven by a restore into an empty server: every object, and every row', async () => {
      const checks = await prove(made.site, await exporting(), folder);
      const found = [...checks.values()].filter(({ name }) => name.startsWith('export of'));
      assert.deepEqual(
        found.filter(({ compared, ok }) => compared && !ok),
        [],
      );
      assert.equal(found.filter(({ compared }) => compared).length, 5);
      assert.match(
        checks.get('export of "shop"')?.detail ?? '',
        /objects as they were, 8 tables with \d+ rows are equal$/,
      );
      assert.match(checks.get(`export of "${ODD}"`)?.detail ?? '', /1 tables with 1 rows are equal/);
      assert.match(checks.get('export of roles')?.detail ?? '', /roles, made on an empty server/);
      assert.match(checks.get('export of tablespaces')?.detail ?? '', /^not compared/);
    });

    onFifteen('is not fetched by a restore of the files', async () => {
      const backup = await exporting();
      const copy = path.join(folder, 'without-exports');
      await cp(made.site.repository, copy, { recursive: true, verbatimSymlinks: true });
      for (const { name } of exportsOf(backup.manifest)) await rm(path.join(copy, backup.folder, name));
      const to = path.join(folder, 'files');
      await restoreTo({ ...made.site, repository: copy }, backup, to);
      assert.ok((await names(to)).includes('PG_VERSION'));
      await rm(to, { recursive: true });
    });

    it('a database goes into a new one of the running server, equal in every row', async () => {
      const plan = await restoreExport(made.site, { backup: await exporting(), server, to: 'shop copy' });
      assert.match(plan.steps[0] ?? '', /make database "shop copy" as it was made: UTF8/);
      assert.deepEqual(await rowsOf(server, 'shop copy'), await rowsOf(server, 'shop'));
      const [view] = await server.sql('SELECT count(*)::int AS rich FROM rich', 'shop copy');
      assert.equal(view?.['rich'], 9);
      const [owner] = await server.sql(
        "SELECT relowner::regrole::text AS owner FROM pg_class WHERE relname = 'orders'",
        'shop copy',
      );
      assert.equal(owner?.['owner'], 'app');
      await server.sql('DROP DATABASE "shop copy"');
    });

    onFifteen('a database with a name that is none of a file goes back as well', async () => {
      await server.sql(`DROP DATABASE "${ODD.replaceAll('"', '""')}"`);
      await restoreExport(made.site, { backup: await exporting(), server, database: ODD });
      assert.deepEqual(await server.sql('SELECT answer FROM kept', ODD), [{ answer: 42 }]);
    });

    it('a dropped table comes back with its rows, keys, indexes, sequence and row security, and the rest is named', async () => {
      const before = await rowsOf(server, 'shop');
      await server.sql('DROP TABLE orders CASCADE; DROP TABLE notes, events, "Odd schema"."the ""table"""', 'shop');
      const plan = await restoreExport(made.site, {
        backup: await exporting(),
        server,
        tables: ['public.orders', 'notes', 'events', '"Odd schema"."the ""table"""'],
      });
      assert.deepEqual(await rowsOf(server, 'shop'), before);
      for (const left of [
        /foreign key orders_customer_fkey/,
        /foreign key lines_order_id_fkey/,
        /trigger touched/,
        /grants/,
      ])
        assert.ok(
          plan.left.some((what) => left.test(what)),
          `${left}: ${plan.left.join('; ')}`,
        );
      await server.sql('INSERT INTO orders (number) VALUES (5000)', 'shop');
      const [next] = await server.sql('SELECT max(id) AS id FROM orders', 'shop');
      assert.equal(next?.['id'], 1001);
      await assert.rejects(server.sql('INSERT INTO orders (number) VALUES (1)', 'shop'), /orders_number_key/);
      await assert.rejects(server.sql("INSERT INTO orders (note) VALUES ('')", 'shop'), /check constraint/);
      const [found] = await server.sql(
        `SELECT (SELECT count(*)::int FROM pg_indexes WHERE tablename = 'orders') AS indexes,
              (SELECT relrowsecurity FROM pg_class WHERE relname = 'notes') AS guarded,
              (SELECT count(*)::int FROM pg_policy) AS policies,
              (SELECT count(*)::int FROM pg_inherits WHERE inhparent = 'events'::regclass) AS partitions,
              (SELECT count(*)::int FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid) AS attached`,
        'shop',
      );
      assert.deepEqual(found, { indexes: 3, guarded: true, policies: 1, partitions: 2, attached: 2 });
      await server.sql('DELETE FROM orders WHERE number = 5000', 'shop');
    });

    onFifteen(
      'P50 refuses what is not empty without --replace, and with it replaces it in one transaction',
      async () => {
        const backup = await exporting();
        const before = await rowsOf(server, 'shop');
        await failure(restoreExport(made.site, { backup, server }), 'not-empty');
        await failure(restoreExport(made.site, { backup, server, tables: ['notes'] }), 'not-empty');
        await server.sql("UPDATE notes SET of_whom = 'changed'", 'shop');
        await restoreExport(made.site, { backup, server, tables: ['notes'], replace: true });
        assert.deepEqual(await rowsOf(server, 'shop'), before);
        await server.sql('TRUNCATE events', 'shop');
        await restoreExport(made.site, { backup, server, tables: ['events'] });
        assert.deepEqual(await rowsOf(server, 'shop'), before);
        await server.sql('UPDATE notes SET id = 7', 'shop');
        await restoreExport(made.site, { backup, server, replace: true });
        assert.deepEqual(await rowsOf(server, 'shop'), before);
      },
    );

    onFifteen('leaves the server as it was where it refuses a statement', async () => {
      const before = await databases();
      const error = await failure(
        restoreExport(made.site, { backup: await exporting(), server, tables: ['orders'], replace: true }),
        'failed',
      );
      assert.match(error.message, /other objects depend on it.*Nothing was changed|cannot drop table/);
      await server.sql('ALTER ROLE app RENAME TO other');
      const noRole = await failure(
        restoreExport(made.site, { backup: await exporting(), server, to: 'new' }),
        'failed',
      );
      assert.match(noRole.remedy ?? '', /--no-owner/);
      assert.deepEqual(await databases(), before);
      await restoreExport(made.site, { backup: await exporting(), server, to: 'new', owners: false });
      await server.sql('DROP DATABASE new');
      await server.sql('ALTER ROLE other RENAME TO app');
      await server.sql('CREATE ROLE maker LOGIN CREATEDB');
      await appendFile(path.join(server.data, 'pg_hba.conf'), 'local all maker trust\n');
      await server.sql('SELECT pg_reload_conf()');
      const notOwner = await failure(
        restoreExport(made.site, { backup: await exporting(), server, to: 'new', as: 'maker' }),
        'failed',
      );
      assert.match(notOwner.remedy ?? '', /--no-owner/, notOwner.message);
      assert.deepEqual(await databases(), before);
      await server.sql('DROP ROLE maker');
    });

    onFifteen('P40 a bit flipped late in the stream changes nothing in the server', async () => {
      const backup = await exporting();
      const artifact = exportsOf(backup.manifest).find((each) => each.export.database === 'shop');
      assert.ok(artifact);
      // Otherwise a restore that went through would change nothing either.
      await server.sql(`UPDATE "Odd schema"."the ""table""" SET t = 99`, 'shop');
      const before = { databases: await databases(), rows: await rowsOf(server, 'shop') };
      const copy = path.join(folder, 'flipped');
      await cp(made.site.repository, copy, { recursive: true, verbatimSymlinks: true });
      const site = { ...made.site, repository: copy };
      await flip(site, backup, artifact.name, 20);
      const store = repositoryStore(copy);
      await failure(restoreExport(made.site, { store, backup, server, to: 'new' }), 'verification-failed');
      // Of all that it reads it needs the beginning only, which is right; the end comes when it has done all but commit.
      const late = { ...store, open: (key: string) => lastPartWhen(store, key, artifact.bytes, () => ready(server)) };
      await failure(
        restoreExport(made.site, {
          store: late,
          backup,
          server,
          tables: ['"Odd schema"."the ""table"""'],
          replace: true,
        }),
        'verification-failed',
      );
      assert.deepEqual({ databases: await databases(), rows: await rowsOf(server, 'shop') }, before);
    });

    onFifteen('the check fails for an export that lacks rows, and for one that lacks an index', async () => {
      for (const [lacks, word] of [
        ['--exclude-table-data=public.lines', /public\.lines \(0 rows, 1000 in the source\)/],
        ['--section=pre-data --section=data', /constraint customers_pkey of public\.customers.*\(missing\)/],
      ] as const) {
        const binaries = await crippled(lacks);
        const { site } = await makeSite({
          folder: await temporaryFolder(),
          sources: { db: server.config('socket', { export: {}, binaries }) },
        });
        await captureExport(site, '2026-11-22T01:00:00Z');
        const chain = [await reader(site, await newest(site))];
        const scratch = await temporaryFolder();
        const checks = await checkExports({ source: 'db', work: testWork(), chain, restored: scratch, scratch });
        const found = checks.find(({ name }) => name === 'export of "shop"');
        assert.deepEqual([found?.compared, found?.ok], [true, false], found?.detail);
        assert.match(found?.detail ?? '', word);
      }
    });

    /** The weekly of the beginning. */
    async function exporting(): Promise<Catalogued> {
      const found = (await listed(made.site)).find(({ name }) => name.tier === 'weekly');
      assert.ok(found);
      return found;
    }

    /** Programs of which pg_dump leaves something out. */
    async function crippled(lacks: string): Promise<string> {
      const programs = await temporaryFolder();
      const real = server.binaries.folder;
      for (const name of await names(real))
        if (name !== 'pg_dump') await symlink(path.join(real, name), path.join(programs, name));
      const file = path.join(programs, 'pg_dump');
      await writeFile(
        file,
        `#!/bin/sh\n[ "$1" = --version ] && exec ${real}/pg_dump "$1"\nexec ${real}/pg_dump "$@" ${lacks}\n`,
      );
      await chmod(file, 0o755);
      return programs;
    }
  });
