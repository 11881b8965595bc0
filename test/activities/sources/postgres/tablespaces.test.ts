import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import type { Site } from '../../../../activities/site.ts';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, names, onlyBackup, prove, restoreTo, SOURCE } from './backups.ts';

describe('a PostgreSQL source with tablespaces', () => {
  let folder: string;
  let production: string;
  let server: TestPostgres;
  let site: Site;

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder });
    production = path.join(folder, 'fast');
    await mkdir(production, { mode: 0o700 });
    const user = await serverUser();
    if (user) await chown(production, user.uid, user.gid);
    await server.sql(`CREATE TABLESPACE fast LOCATION '${production}'`);
    await server.sql('CREATE TABLE far TABLESPACE fast AS SELECT i, md5(i::text) FROM generate_series(1, 5000) AS i');
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { check: {} }) } }));
    await capture(site, '2026-03-01T02:00:00Z');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('is spooled, one artifact a tablespace, and the spool is wiped', async () => {
    const { manifest } = await onlyBackup(site);
    const roles = manifest.artifacts.map(({ role }) => role).toSorted();
    assert.deepEqual(roles, ['base', 'check-wal', 'inventory', 'manifest', 'tablespace', 'wal']);
    assert.deepEqual(await names(site.state, 'spool', SOURCE), []);
  });

  it('passes every check', async () => {
    const checks = await prove(site, await onlyBackup(site), path.join(folder, 'proof'));
    for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
  });

  it("P09 restores elsewhere, and leaves production's folder untouched even when it is started and written to", async () => {
    await server.stop();
    const before = await fingerprint(production);
    const data = path.join(folder, 'elsewhere', 'restored');
    await restoreTo(site, await onlyBackup(site), data);
    const [link = ''] = await readdir(path.join(data, 'pg_tblspc'));
    assert.equal(await readlink(path.join(data, 'pg_tblspc', link)), path.join(data, 'tablespaces', link));

    const { signal } = testWork();
    const runtime = await temporaryFolder();
    const restored = await startServer({
      data,
      binaries: server.binaries.folder,
      superuser: 'postgres',
      runtime,
      isolated: true,
      signal,
    });
    try {
      const connection = { ...restored.connection, database: 'postgres' };
      await withSession(connection, { application: 'test', signal }, async (session) => {
        await session.run('DELETE FROM public.far WHERE i > 10');
        await session.run('VACUUM FULL public.far');
        assert.deepEqual(await session.rows(z.unknown(), 'SELECT count(*)::int AS rows FROM public.far'), [
          { rows: 10 },
        ]);
        const location = 'SELECT pg_tablespace_location(oid) AS place FROM pg_tablespace WHERE spcname = $1';
        assert.deepEqual(await session.rows(z.unknown(), location, ['fast']), [
          { place: path.join(data, 'tablespaces', link) },
        ]);
      });
    } finally {
      await restored.stop();
    }
    assert.deepEqual(await fingerprint(production), before);
  });
});

/** Every path below a folder with its size, time of change and digest. */
async function fingerprint(folder: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const file = path.join(folder, name);
    const stat = await lstat(file);
    const digest = stat.isFile()
      ? createHash('sha256')
          .update(await readFile(file))
          .digest('hex')
      : '';
    lines.push(`${name} ${stat.size} ${stat.mtimeMs} ${digest}`);
  }
  return lines;
}
