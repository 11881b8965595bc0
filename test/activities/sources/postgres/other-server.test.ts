import assert from 'node:assert/strict';
import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { capture, listed, names, SOURCE } from './backups.ts';

/** As a name that a failover, or somebody's hand, gives to another machine. */
describe('a PostgreSQL server whose place another one takes while it is captured', () => {
  const servers: TestPostgres[] = [];

  after(async () => {
    await Promise.all(servers.map((server) => server.stop('immediate')));
    await cleanUp();
  });

  it('is not published: files, inventory and time would be of two clusters', async () => {
    const folder = await temporaryFolder();
    const sockets: string[] = [];
    for (const name of ['one', 'two']) {
      const own = path.join(folder, name);
      await mkdir(own, { mode: 0o755 });
      const server = await startPostgres({ folder: own });
      servers.push(server);
      sockets.push(path.join(server.socket, `.s.PGSQL.${server.port}`));
    }
    const [one, two] = sockets;
    const [first] = servers;
    assert.ok(one && two && first);
    const place = path.join(folder, 'place');
    await mkdir(place);
    const link = path.join(place, `.s.PGSQL.${first.port}`);
    await symlink(one, link);
    const connection = { host: place, port: first.port };
    const source = { ...first.config(), connection, limits: { maxRate: '8MiB' } };
    const { site } = await makeSite({ folder, sources: { [SOURCE]: source } });
    const failed = isBackupError(capture(site, '2026-03-01T02:00:00Z'), 'failed');
    await until('it is read', async () => {
      const found = await first.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'walsender'");
      return found.length > 0;
    });
    await rm(link);
    await symlink(two, link);
    assert.match((await failed).message, /Another server answered at the end/);
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
  });
});
