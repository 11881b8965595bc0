import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { encodeManifest } from '../../../../activities/storage/manifest-file.ts';
import { prepareRepository, repositoryStore } from '../../../../activities/storage/repository.ts';
import { logsBackup } from '../../../support/entries.ts';
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
    const sender = await until('it is read', async () => {
      const [found] = await first().sql('SELECT pid FROM pg_stat_progress_basebackup');
      return found === undefined ? undefined : Number(found['pid']);
    });
    // However slow this machine is: it stands still meanwhile.
    process.kill(sender, 'SIGSTOP');
    await rm(link);
    await symlink(two, link);
    process.kill(sender, 'SIGCONT');
    assert.match((await failed).message, /Another server answered at the end/);
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
  });

  it('P07 between two ticks: the logs of either are kept under names of their own, with a hole between', async () => {
    const folder = await temporaryFolder();
    const { site } = await makeSite({ folder, sources: { [SOURCE]: first().config() } });
    await comeTo(first(), await segmentOf(second()));
    await ship(site, '2026-03-01T02:00:00Z');
    const [sealed = ''] = await shippedNames();
    // So that it writes a segment of the very same name.
    await comeTo(second(), sealed);
    const sources = { [SOURCE]: second().source() };
    const found = await ship({ ...site, config: { ...site.config, sources } }, '2026-03-01T02:05:00Z');
    assert.match(found?.gap ?? '', /another cluster/);
    const logs = await shipped();
    assert.equal(logs.length, 2);
    assert.ok(logs.every(({ id, at: { systemId } }) => id.startsWith(`${systemId}.`)));
    const every = await shippedNames();
    assert.ok(every.length > new Set(every).size, 'no name came twice: this proves nothing');

    async function segmentOf(server: TestPostgres): Promise<string> {
      const [now] = await server.sql('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
      return String(now?.['name']);
    }
    async function comeTo(server: TestPostgres, segment: string): Promise<void> {
      while ((await segmentOf(server)) < segment) {
        await server.sql('SELECT txid_current()');
        await server.sql('SELECT pg_switch_wal()');
      }
    }
    async function shipped() {
      return (await listed(site)).map(({ manifest: { id, position } }) => ({ id, at: logsPosition.parse(position) }));
    }
    async function shippedNames(): Promise<readonly string[]> {
      return (await shipped()).flatMap(({ at: { segments } }) => Object.keys(segments));
    }
  });

  it('P07 which is set back by hand on its own timeline: what it writes is not taken for what is sealed, and that is told', async () => {
    const folder = await temporaryFolder();
    const { site } = await makeSite({ folder, site: 'back', sources: { [SOURCE]: first().config() } });
    const [data, before] = [first().data, path.join(folder, 'before')];
    await first().stop();
    await execa('cp', ['-a', data, before]);
    await first().start();
    for (const minute of ['00', '05', '10']) await ship(site, `2026-03-01T03:${minute}:00Z`);
    const sealed = await listed(site);
    assert.equal(sealed.length, 3);
    await first().stop();
    await rm(data, { recursive: true });
    await rename(before, data);
    await first().start();
    const told = await isBackupError(ship(site, '2026-03-01T03:15:00Z'), 'conflict');
    assert.match(
      told.message,
      /The server was set back: it writes up to 0\/\w+ of timeline 1, of which 0\/\w+ is sealed/,
    );
    assert.deepEqual(await listed(site), sealed);
    // The way on, as docs/postgres.md says it.
    await first().stop();
    await writeFile(path.join(data, 'recovery.signal'), '');
    await first().start({ restore_command: 'false' });
    assert.match((await ship(site, '2026-03-01T03:20:00Z'))?.gap ?? '', /they begin with 00000002/);
  });

  it('ships whatever else lies under its name: logs of another type, or such as say no place', async () => {
    const folder = await temporaryFolder();
    const { site } = await makeSite({ folder, site: 'named', sources: { [SOURCE]: second().config() } });
    await prepareRepository(site);
    const store = repositoryStore(site.repository);
    for (const [hour, fields] of [
      ['05', { position: { method: 'binlog', lineage: 'aaaaaaaa' }, type: 'mariadb' }],
      ['06', { position: { endLsn: 'damaged' } }],
    ] as const) {
      const { folder: key, manifest } = logsBackup({
        source: SOURCE,
        from: 900,
        to: 901,
        at: `2026-03-02T${hour}:00:00Z`,
      });
      const position = { ...(hour === '06' && manifest.position), ...fields.position };
      const bytes = encodeManifest({ ...manifest, ...fields, position });
      await store.putSmall(`${key.replace('2026-03-02', `2026-03-${hour}`)}/manifest.json`, bytes, { replace: false });
    }
    assert.equal((await ship(site, '2026-03-01T04:00:00Z'))?.gap, null);
    await capture(site, '2026-03-01T04:05:00Z');
    assert.equal((await ship(site, '2026-03-01T04:10:00Z'))?.gap, null);
    const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: { kind: 'end' } });
    assert.equal(plan.logs.length, 1);
  });

  function first(): TestPostgres {
    return servers[0] ?? assert.fail('no server was started');
  }

  function second(): TestPostgres {
    return servers[1] ?? assert.fail('no second server was started');
  }
});
