/** Nothing of a restore test reaches production: what stands in the data as a way there (archives, events, links, replicas) leads nowhere. */
import assert from 'node:assert/strict';
import { appendFile, mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import type { Site } from '../../../../activities/site.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import { serverUser as mariadbUser } from '../../../../activities/sources/mariadb/server-user.ts';
import { serverUser as postgresUser } from '../../../../activities/sources/postgres/server-user.ts';
import { mariadbSource, postgresSource, redisSource } from '../../../../model/config/source.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb } from '../../../support/mariadb.ts';
import { startPostgres } from '../../../support/postgres.ts';
import { processesNaming } from '../../../support/processes.ts';
import { startRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { ship } from '../../sources/postgres/backups.ts';
import { findings, prove, withinOf } from './proving.ts';

const SOURCE = 'db';
const { signal } = testWork();

describe('a restore test, while production runs beside it', function () {
  this.timeout(120_000);
  let folder: string;
  /** Somebody in production's network; counts who comes. */
  let listener: Server;
  let came = 0;
  let port: number;
  let stop: (() => Promise<void>) | undefined;

  beforeEach(async () => {
    folder = await temporaryFolder();
    came = 0;
    listener = createServer((socket) => {
      came += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    assert.ok(typeof address === 'object' && address !== null);
    ({ port } = address);
  });

  afterEach(async () => {
    listener.close();
    await stop?.();
    await cleanUp();
  });

  it('P08 PostgreSQL: no WAL archived, no program run, no subscription, no connection, no lock, no slot', async () => {
    const production = await startPostgres({ folder, settings: { wal_level: 'logical', log_connections: 'on' } });
    stop = () => production.stop('immediate');
    const own = path.join(folder, 'written');
    await mkdir(own);
    await giveTo(await postgresUser(), own, signal);
    // All of it is in the files that are restored, and in production's own settings too.
    for (const name of [
      'archive_command',
      'restore_command',
      'archive_cleanup_command',
      'recovery_end_command',
      'ssl_passphrase_command',
    ])
      await production.sql(`ALTER SYSTEM SET ${name} = 'touch ${own}/${name}'`);
    for (const [name, value] of [
      ['archive_mode', 'always'],
      ['archive_timeout', '1s'],
      ['primary_conninfo', `host=${production.socket} user=postgres`],
      ['session_preload_libraries', 'nowhere'],
      ['listen_addresses', '*'],
    ])
      await production.sql(`ALTER SYSTEM SET ${name} = '${value}'`);
    await production.sql(
      'CREATE EXTENSION dblink; CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t',
    );
    await production.sql('CREATE DATABASE other');
    await production.sql('CREATE TABLE t (id int PRIMARY KEY)', 'other');
    await production.sql("SELECT pg_create_logical_replication_slot('s', 'pgoutput')");
    const to = `host=${production.socket} port=${production.port} user=postgres dbname=postgres`;
    await production.sql(
      `CREATE SUBSCRIPTION s CONNECTION '${to}' PUBLICATION p WITH (create_slot = false, copy_data = false, enabled = true)`,
      'other',
    );
    await production.sql(`CREATE VIEW far AS SELECT * FROM dblink('${to}', 'SELECT 1') AS f (one int)`);
    const { site } = await makeSite({ folder, sources: { [SOURCE]: production.config() } });
    await ship(site, '2026-11-20T01:00:00Z');
    await capture(site);
    await production.sql('INSERT INTO t VALUES (1)');
    await production.sql('SELECT pg_switch_wal()');
    await ship(site, '2026-11-20T03:00:00Z');
    // Production's own subscription would come and go; its slot stays as it is.
    await production.sql('ALTER SUBSCRIPTION s DISABLE', 'other');
    const active = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 's' AND active";
    await until('it has gone', async () => (await production.sql(active)).length === 0);

    const standing = async () => {
      const locks = await production.sql('SELECT count(*)::int AS locks FROM pg_locks WHERE pid <> pg_backend_pid()');
      const slots =
        'SELECT slot_name, active, restart_lsn::text, confirmed_flush_lsn::text FROM pg_replication_slots ORDER BY 1';
      return { locks, slots: await production.sql(slots), written: await readdir(own) };
    };
    const connections = async () =>
      (await readFile(production.server().log, 'utf8')).split('connection received').length;
    const before = await standing();
    const connected = await connections();
    const { probes } = postgresSource.parse({
      type: 'postgres',
      probes: [
        { name: 'a link to production', query: 'SELECT * FROM far', expect: 1 },
        { name: 'a program', query: `COPY (SELECT 1) TO PROGRAM 'touch ${own}/program'`, expect: '' },
        { name: 'a network', query: `COPY (SELECT 1) TO PROGRAM 'exec 3<>/dev/tcp/127.0.0.1/${port}'`, expect: '' },
        { name: 'archiving', query: 'SHOW archive_mode', expect: 'always' },
      ],
    });
    const watched = watchNetwork('postgres');
    const good = await prove(of(site), { logs: true });
    const found = await findings(of(site), { change: { probes } });
    assert.deepEqual(await watched.stop(), ['lo']);
    assert.ok(good.compared.includes('point in time'), good.notCompared.join());
    assert.match(found, /a link to production: .*could not (establish|connect)/);
    assert.match(found, /archiving: off, not always/);
    // Not even in the log of who came and was turned away.
    assert.equal(await connections(), connected);
    assert.deepEqual(await standing(), before);
    assert.equal(came, 0);
  });

  it('P24 MariaDB: no event fired, no file written, no replica, no connection', async () => {
    // Its own scheduler is off: whatever an event does, the private server did.
    const production = await startMariadb({ folder, args: ['--event-scheduler=OFF'] });
    stop = () => production.stop('immediate');
    const own = path.join(folder, 'written');
    await mkdir(own);
    await giveTo(await mariadbUser(), own, signal);
    await production.sql(`CREATE DATABASE shop; CREATE TABLE shop.ticks (at datetime(6));
      CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES (NOW(6));
      CREATE EVENT shop.file ON SCHEDULE EVERY 1 SECOND DO SELECT 1 INTO OUTFILE '${own}/event'`);
    const { site } = await makeSite({ folder, sources: { [SOURCE]: production.config() } });
    await capture(site);
    await production.sql(
      `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${port}, MASTER_USER = 'r', MASTER_PASSWORD = 'r'`,
    );

    const count = async () =>
      Number((await production.sql("SHOW GLOBAL STATUS LIKE 'Connections'"))[0]?.split('\t')[1]);
    const others = async () =>
      production.sql("SELECT COUNT(*) FROM information_schema.processlist WHERE command <> 'Daemon'");
    const connected = await count();
    const listed = await others();
    // A folder that was copied as a whole has these as well; and a file of settings, as some servers look for in it.
    const plant = async (restored: string) => {
      for (const name of (await readdir(production.data)).filter((one) => /^(master|relay)/.test(one)))
        await writeFile(path.join(restored, name), await readFile(path.join(production.data, name)));
      assert.ok((await readdir(restored)).includes('master.info'));
      const init = path.join(restored, 'init.sql');
      await writeFile(init, `SELECT 1 INTO OUTFILE '${own}/init';\n`);
      await writeFile(path.join(restored, 'my.cnf'), `[mysqld]\nevent_scheduler = ON\ninit_file = ${init}\n`);
    };
    const { probes } = mariadbSource.parse({
      type: 'mariadb',
      probes: [
        // Two seconds of it: two events would have fired.
        { name: 'ticks', query: 'DO SLEEP(2.2); SELECT COUNT(*) FROM shop.ticks', expect: 0 },
        {
          name: 'a replica',
          query: "SELECT COUNT(*) FROM information_schema.processlist WHERE command LIKE 'Slave%'",
          expect: 0,
        },
        { name: 'a file', query: `SELECT 1 INTO OUTFILE '${own}/probe'`, expect: '' },
      ],
    });
    const watched = watchNetwork('mariadbd');
    const found = await findings(of(site), { change: { probes }, plant });
    assert.deepEqual(await watched.stop(), ['lo']);
    assert.doesNotMatch(found, /ticks|a replica/);
    assert.match(found, /a file: /);
    assert.deepEqual(await readdir(own), []);
    assert.equal(await count(), connected + 2, 'who came since are these looks themselves');
    assert.deepEqual(await others(), listed);
    assert.deepEqual(await production.sql('SELECT COUNT(*) FROM shop.ticks'), ['0']);
    assert.equal(came, 0);
  });

  it('Redis: no replica of production, nothing saved over what is restored, no connection', async () => {
    const production = await startRedis({ folder, tcp: true });
    stop = () => production.stop();
    await production.pipe(['SET a 1', 'SET b 2']);
    const { site } = await makeSite({ folder, sources: { [SOURCE]: production.config() } });
    await capture(site);
    const taken = async () => {
      const info = await production.run('INFO');
      const facts = ['total_connections_received', 'rdb_last_save_time', 'connected_slaves', 'sync_full'];
      return facts.map((name) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]));
    };
    const [connections = 0, ...rest] = await taken();
    const settings = `replicaof 127.0.0.1 ${port}\nsave 1 1\nport ${production.port}\ndir ${production.data}\n`;
    const plant = (restored: string) => appendFile(path.join(restored, 'redis.conf'), settings);
    const { probes } = redisSource.parse({
      type: 'redis',
      probes: [
        { name: 'its role', query: 'INFO replication', expect: { matches: '^role:master' } },
        { name: 'a move', query: `MIGRATE 127.0.0.1 ${port} a 0 500`, expect: 'OK' },
        { name: 'a program', command: ['redis-cli', '-p', String(production.port), 'SET', 'a', '2'], timeout: '5s' },
      ],
    });
    const watched = watchNetwork('redis-server');
    const found = await findings(of(site), { change: { probes }, plant });
    assert.deepEqual(await watched.stop(), ['lo']);
    assert.doesNotMatch(found, /its role/);
    assert.match(found, /a move: .*a program: /);
    const [after, ...now] = await taken();
    assert.deepEqual([after, now], [connections + 1, rest], 'who came since is this look itself');
    assert.equal(await production.run('GET', 'a'), '1');
    assert.equal(came, 0);
  });

  function of(site: Site) {
    return { site, source: SOURCE, within: withinOf(folder) };
  }

  async function capture(site: Site): Promise<void> {
    const run = { source: SOURCE, tier: 'daily', runId: 'run', scheduled: '2026-11-20T02:00:00Z' } as const;
    await captureBackup({ site, ...run, attempt: 1, busy: 1_000, work: testWork() });
  }

  /** The interfaces of network that private servers of a test see, sampled until it is stopped; none where no server was seen. */
  function watchNetwork(program: string): { stop(): Promise<readonly string[]> } {
    const seen = new Set<string>();
    let looking = Promise.resolve();
    const timer = setInterval(() => void (looking = looking.then(look)), 50);
    async function look(): Promise<void> {
      for (const { pid, name } of processesNaming('').filter((one) => one.name === program)) {
        // Some write another title over their arguments; all of them work in their data.
        const at = await readlink(`/proc/${pid}/cwd`).catch(() => '');
        if (!at.startsWith(withinOf(folder))) continue;
        const devices = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '');
        for (const [, device = name] of devices.matchAll(/^ *(\S+):/gm)) seen.add(device);
      }
    }
    return {
      async stop() {
        clearInterval(timer);
        await looking;
        return [...seen];
      },
    };
  }
});
