import assert from 'node:assert/strict';
import { chmod, cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { exportsOf } from '../../../../model/export.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { failure } from '../../streams/artifacts.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { names, prove, restoreTo } from './backups.ts';
import { captureExport, exportedDatabases, fill, flip, newest, ODD, restoreExport, rowsOf } from './exports.ts';

for (const major of [15, 18])
  describe(`exports of a PostgreSQL ${major} source`, () => {
    let folder: string;
    let server: TestPostgres;
    let made: TestSite;

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
  });
