import assert from 'node:assert/strict';
import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { capture, listed, names, ship, SOURCE } from './backups.ts';

/** As a name that a failover, or somebody's hand, gives to another machine. */
describe('a PostgreSQL server whose place another one takes', () => {
  const servers: TestPostgres[] = [];

  before(async () => {
    const folder = await temporaryFolder();
    for (const name of ['one', 'two']) {
      const own = path.join(folder, name);
      await mkdir(own, { mode: 0o755 });
      servers.push(await startPostgres({ folder: own }));
    }
  });
  after(async () => {
    await Promise.all(servers.map((server) => server.stop('immediate')));
    await cleanUp();
  });

  it('while it is captured, is not published: files, inventory and time would be of two clusters', async () => {
    const folder = await temporaryFolder();
    const [one, two] = servers.map(({ socket, port }) => path.join(socket, `.s.PGSQL.${port}`));
    assert.ok(one && two);
    const place = path.join(folder, 'place');
    await mkdir(place);
    const link = path.join(place, `.s.PGSQL.${first().port}`);
    await symlink(one, link);
    const connection = { host: place, port: first().port };
    const source = { ...first().config(), connection, limits: { maxRate: '8MiB' } };
    const { site } = await makeSite({ folder, sources: { [SOURCE]: source } });
    const failed = isBackupError(capture(site, '2026-03-01T02:00:00Z'), 'failed');
    await until('it is read', async () => {
      const found = await first().sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'walsender'");
      return found.length > 0;
    });
    await rm(link);
    await symlink(two, link);
    assert.match((await failed).message, /Another server answered at the end/);
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
  });

  it('P07 between two ticks: the logs of either are kept under names of their own, with a hole between', async () => {
    const folder = await temporaryFolder();
    const { site } = await makeSite({ folder, sources: { [SOURCE]: first().config() } });
    await ship(site, '2026-03-01T02:00:00Z');
    const [sealed = ''] = await shippedNames();
    // So that it writes a segment of the very same name.
    await until('the second has come as far', async () => {
      await second().sql('SELECT txid_current()');
      await second().sql('SELECT pg_switch_wal()');
      const [now] = await second().sql('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
      return String(now?.['name']) >= sealed;
    });
    const sources = { [SOURCE]: second().source() };
    const found = await ship({ ...site, config: { ...site.config, sources } }, '2026-03-01T02:05:00Z');
    assert.match(found?.gap ?? '', /another cluster/);
    const logs = await shipped();
    assert.equal(logs.length, 2);
    assert.ok(logs.every(({ id, at: { systemId } }) => id.startsWith(`${systemId}.`)));
    const every = await shippedNames();
    assert.ok(every.length > new Set(every).size, 'no name came twice: this proves nothing');

    async function shipped() {
      return (await listed(site)).map(({ manifest: { id, position } }) => ({ id, at: logsPosition.parse(position) }));
    }
    async function shippedNames(): Promise<readonly string[]> {
      return (await shipped()).flatMap(({ at: { segments } }) => Object.keys(segments));
    }
  });

  function first(): TestPostgres {
    return servers[0] ?? assert.fail('no server was started');
  }

  function second(): TestPostgres {
    return servers[1] ?? assert.fail('no second server was started');
  }
});
