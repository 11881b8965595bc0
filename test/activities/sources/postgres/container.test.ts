/** A PostgreSQL server in a container: what goes wrong there, and what must not be left behind inside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { planRun } from '../../../../activities/operations/plan-run.ts';
import { writeRecoveryPoint } from '../../../../activities/operations/recovery-point.ts';
import { releaseRemoved } from '../../../../activities/operations/removed-sources.ts';
import { logsSource } from '../../../../activities/operations/ship-logs.ts';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { backupConnection } from '../../../../activities/sources/postgres/connection.ts';
import { logsOf } from '../../../../activities/sources/index.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { withReach } from '../../../../activities/sources/postgres/reach.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import type { Site } from '../../../../activities/site.ts';
import { readRecoveryPoints } from '../../../../activities/storage/recovery-points.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { ServerStanding } from '../../../../model/logs-run.ts';
import { postgresSource } from '../../../../model/config/source.ts';
import { runReport } from '../../../../model/received.ts';
import type { CapturedBackup } from '../../../../model/run.ts';
import { parseTarget } from '../../../../model/target.ts';
import { processesIn, startDocker, type TestDocker } from '../../../support/docker.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import type { PostgresInput } from '../../../support/postgres.ts';
import { startPostgresContainer, type PostgresContainer } from '../../../support/postgres-container.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, contextOf, listed, names, onlyBackup, ship, SOURCE } from './backups.ts';

/** Bytes a second at which a capture of these tests takes some seconds. */
const SLOW = '8MiB';
/** And at which one would go on for longer than a test waits. */
const ENDLESS = '256KiB';
const WHEN = '2026-03-01T02:00:00Z';

describe('a PostgreSQL source in a container', function () {
  // Each capture is some thirty sessions, each a `docker exec`: long on a busy machine.
  this.timeout(180_000);
  let folder: string;
  let docker: TestDocker;
  let server: PostgresContainer;

  before(async () => {
    folder = await temporaryFolder();
    docker = await startDocker();
    server = await startPostgresContainer({
      docker,
      labels: ['com.example.service=postgres'],
      hba: [
        'local all mosaic_check scram-sha-256',
        'local postgres mosaic_canary trust',
        // As the official image has it; who comes by nc comes from there.
        'host all mosaic_backup 127.0.0.1/32 trust',
        'host replication mosaic_backup 127.0.0.1/32 trust',
      ],
      tools: ['/usr/bin/perl', '/usr/bin/socat', '/bin/busybox'],
    });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)');
  });
  after(async () => {
    await docker?.stop();
    await cleanUp();
  });
  afterEach('the server never took a program of ours for one of its own', async () => {
    assert.doesNotMatch(await server.log(), /terminated by signal|terminating any other active server processes/);
    assert.deepEqual(await doors(), []);
  });

  /** A site of its own, so that no test sees another's backups. */
  async function siteFor(name: string, options: Partial<PostgresInput> = {}): Promise<TestSite> {
    const own = path.join(folder, name);
    await mkdir(own);
    return makeSite({ folder: own, sources: { [SOURCE]: server.config({ incrementals: 0, ...options }) } });
  }

  /** Other than the server's own. */
  async function programsInside(): Promise<readonly string[]> {
    return (await processesIn(docker, server.name)).filter((args) => !args.startsWith('postgres'));
  }

  function reads(args: string): boolean {
    return args.startsWith('pg_basebackup') && args.includes('--pgdata=-');
  }

  async function untilItReads(): Promise<void> {
    await until('pg_basebackup inside', async () => (await programsInside()).some(reads), 90_000);
  }

  async function nothingPublished(site: Site): Promise<void> {
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
  }

  it('has a canary, which comes by the same way as all else', async () => {
    await server.sql(await readFile(new URL('../../../../infra/roles/postgres-canary.sql', import.meta.url), 'utf8'));
    const { site } = await siteFor('canary', { canary: {} });
    const config = site.config.sources[SOURCE];
    assert.ok(config?.type === 'postgres');
    await postgres.beat?.(contextOf(site, config, path.join(folder, 'canary', 'beats')));
    const [row] = await server.sql('SELECT count(*)::int AS count FROM mosaic_backup_canary.beats');
    assert.deepEqual(row, { count: 1 });
  });

  it('is named in preflight and manifest, with its image', async () => {
    const { site } = await siteFor('named', {
      connection: { container: { label: 'com.example.service=postgres', socket: docker.socket } },
    });
    const config = site.config.sources[SOURCE];
    assert.ok(config?.type === 'postgres');
    const findings = await postgres.preflight(contextOf(site, config, site.state));
    assert.deepEqual(
      findings.filter(({ severity }) => severity === 'error'),
      [],
    );
    const about = findings.find(({ code }) => code === 'postgres.container');
    assert.match(
      about?.message ?? '',
      /container mosaic-postgres, of image mosaic-test-mosaic-postgres:15, and is read by pg_basebackup 15\.\d+ inside/,
    );
    const captured = await capture(site, WHEN);
    const { manifest } = await onlyBackup(site);
    assert.match(String(manifest.engine['image']), /^mosaic-test-mosaic-postgres:15@sha256:[0-9a-f]{64}$/);

    const facts = { image: manifest.engine['image'], position: manifest.position, consistency: 'crash' };
    assert.ok(manifest.position?.['endLsn']);
    assert.deepEqual(await entryIn(site, WHEN, captured), { ...facts, stale: false });
    assert.deepEqual(await entryIn(site, '2026-03-02T02:00:00Z', null), { ...facts, stale: true });
  });

  /** What the recovery point of a run says of the source. */
  async function entryIn(site: Site, scheduled: string, captured: CapturedBackup | null) {
    const spec = planRun(site, { site: 'test', plan: 'daily', scheduled, sources: [SOURCE] });
    const outcome = captured ? 'complete' : 'failed';
    const source = { source: SOURCE, state: 'done', outcome, captured, copies: [], verified: true, errors: [] };
    // As the coordinator receives it from the workflow.
    const report = runReport.parse({ runId: spec.runId, outcome, sources: [source], errors: [] });
    assert.deepEqual(await writeRecoveryPoint({ site, spec, report, work: testWork() }), { warnings: [] });
    const { read } = await readRecoveryPoints(repositoryStore(site.repository), await trustedKeys(site));
    const entry = read.find(({ id }) => id === spec.runId)?.sources[0];
    return { image: entry?.image, position: entry?.position, consistency: entry?.consistency, stale: entry?.stale };
  }

  it('is reached with a password that is in no argument, here or inside', async () => {
    const secret = 'a secret that nobody sees';
    const file = path.join(folder, 'password');
    await writeFile(file, secret, { mode: 0o600 });
    await server.sql(`ALTER ROLE mosaic_backup PASSWORD '${secret}'; ALTER ROLE mosaic_check PASSWORD '${secret}'`);
    const connection = { container: { name: server.name, socket: docker.socket }, password: { file } };
    const { site } = await siteFor('secret', { connection, check: { password: { file } } });
    const seen = new Set<string>();
    const state = { ended: false };
    const capturing = capture(site, WHEN).finally(() => (state.ended = true));
    while (!state.ended) {
      for (const args of await argumentsOfAll()) seen.add(args);
      await pause(20);
    }
    const { warnings } = await capturing;
    assert.ok(
      [...seen].some((args) => args.includes('--env=PGPASSWORD')),
      'the client was seen',
    );
    assert.deepEqual(
      [...seen].filter((args) => args.includes(secret)),
      [],
    );
    // The check role is admitted by its password alone.
    assert.doesNotMatch(warnings.join('\n'), /rows/);
  });

  it('fails with the exit status of the program inside, and publishes nothing', async () => {
    const { site } = await siteFor('status', { limits: { maxRate: SLOW } });
    const failed = isBackupError(capture(site, WHEN), 'program-failed');
    await untilItReads();
    await killInside('KILL');
    assert.match((await failed).message, /137/);
    await nothingPublished(site);
  });

  it('what a worker that was killed with SIGKILL left inside is ended by the next attempt, which succeeds', async () => {
    const { site, file } = await siteFor('killed', { limits: { maxRate: ENDLESS } });
    const script = path.join(import.meta.dirname, 'capture-in-child.ts');
    const child = spawn(process.execPath, [script, file, WHEN], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await untilItReads();
    const before = await readers();
    child.kill('SIGKILL');
    await exited;
    // What is only a relay ends with its worker, and the bracket's session with it; the program goes on, since nobody told it.
    await until('the relays are gone', async () => (await programsInside()).every(reads));
    await until('the slot is gone', async () => (await server.sql('SELECT 1 FROM pg_replication_slots')).length === 0);
    assert.deepEqual(await readers(), before);
    assert.deepEqual(await listed(site), []);
    const capturing = capture(unlimited(site), WHEN, testWork(), 2);
    await until('the old one has ended', async () => !(await readers()).some((pid) => before.includes(pid)));
    await capturing;
    await onlyBackup(site);
    assert.deepEqual(await programsInside(), []);
  });

  it('stopped in the middle: fails as unreachable, publishes nothing, and is captured once it runs again', async () => {
    const { site } = await siteFor('stopped', { limits: { maxRate: SLOW } });
    const failed = isBackupError(capture(site, WHEN), 'unreachable');
    await untilItReads();
    await docker.docker('kill', server.name);
    await failed;
    await nothingPublished(site);
    await isBackupError(capture(site, WHEN), 'unreachable');
    await docker.docker('start', server.name);
    await server.ready();
    await capture(unlimited(site), WHEN, testWork(), 2);
    await onlyBackup(site);
  });

  it('ships its logs, and is recovered to their end', async () => {
    const { site } = await siteFor('logs');
    await server.sql('CREATE TABLE late (id int)');
    await capture(site, WHEN);
    await server.sql('INSERT INTO late VALUES (1)');
    assert.ok(await ship(site, '2026-03-01T02:05:00Z'));
    await server.sql('INSERT INTO late VALUES (2)');
    assert.ok(await ship(site, '2026-03-01T02:10:00Z'));
    const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: parseTarget('end') });
    const to = path.join(folder, 'recovered');
    const store = repositoryStore(site.repository);
    await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
    const restored = await startServer({
      data: to,
      binaries: server.programs,
      superuser: 'postgres',
      runtime: await temporaryFolder(),
      signal: testWork().signal,
    });
    try {
      const client = new Client({ host: restored.socket, port: restored.port, user: 'postgres', database: 'postgres' });
      await client.connect();
      const { rows } = await client.query<{ id: number }>('SELECT id FROM late ORDER BY id');
      await client.end();
      assert.deepEqual(rows, [{ id: 1 }, { id: 2 }]);
    } finally {
      await restored.stop('immediate');
    }
    assert.deepEqual((await standingOf(site))?.space, [], "the path of the data is the container's own");
    // By what state has of it: the door of the shipping is closed long since.
    const gone = { ...site, config: { ...site.config, sources: {} } };
    await releaseRemoved(gone, testWork());
    assert.deepEqual(await server.sql('SELECT slot_name FROM pg_replication_slots'), []);
  });

  it('with tablespaces, is read by the programs of this machine', async () => {
    await docker.docker('exec', server.name, 'mkdir', '-p', '/var/lib/more');
    await docker.docker('exec', server.name, 'chown', '70:70', '/var/lib/more');
    await server.sql("CREATE TABLESPACE more LOCATION '/var/lib/more'");
    await server.sql('CREATE TABLE apart TABLESPACE more AS SELECT generate_series(1, 1000) AS id');
    const { site } = await siteFor('tablespaces');
    await capture(site, WHEN);
    const { manifest } = await onlyBackup(site);
    assert.deepEqual(manifest.artifacts.map(({ role }) => role).toSorted(), [
      'base',
      'inventory',
      'manifest',
      'tablespace',
      'wal',
    ]);
    await server.sql('DROP TABLE apart');
    await server.sql('DROP TABLESPACE more');
  });

  it('exports its databases in a weekly backup', async () => {
    const { site } = await siteFor('exports', { export: {} });
    const captured = await captureBackup({
      site,
      source: SOURCE,
      tier: 'weekly',
      runId: `weekly-${WHEN}`,
      scheduled: WHEN,
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
    assert.equal(captured.partial, false, captured.warnings.join('; '));
    const { manifest } = await onlyBackup(site);
    const exported = manifest.artifacts.flatMap(({ role, name }) => (role === 'export' ? [name] : []));
    assert.ok(exported.includes('export-1.dump.zst.age'), exported.join());
  });

  it('is reached by whatever the image has: perl, socat, or the nc of busybox; by none of them is an error', async () => {
    const { site } = await siteFor('relays');
    const config = site.config.sources[SOURCE];
    assert.ok(config?.type === 'postgres');
    const nc = `printf '#!/bin/sh\\nexec busybox nc "$@"\\n' >/usr/bin/nc; busybox chmod 755 /usr/bin/nc`;
    await docker.docker('exec', server.name, 'sh', '-c', nc);
    for (const [index, tool] of ['perl', 'socat', 'nc'].entries()) {
      assert.deepEqual(await relaysDuring(site), [tool]);
      await capture(site, `2026-03-0${index + 1}T02:00:00Z`);
      await docker.docker('exec', server.name, 'rm', `/usr/bin/${tool}`);
    }
    assert.equal((await listed(site)).length, 3);
    const error = await isBackupError(postgres.preflight(contextOf(site, config, site.state)), 'missing-program');
    assert.match(error.message, /neither perl nor socat nor nc/);
  });

  async function standingOf(site: Site): Promise<ServerStanding | undefined> {
    return logsOf('postgres')?.standing(logsSource({ site, source: SOURCE, work: testWork() }));
  }

  /** Names of the programs inside that a session goes through. */
  async function relaysDuring(site: Site): Promise<readonly string[]> {
    const config = site.config.sources[SOURCE];
    assert.ok(config?.type === 'postgres');
    const around = { config, source: SOURCE, state: site.state, work: testWork() };
    return withReach(around, async (reachable) => {
      const connection = await backupConnection(reachable, async () => '');
      const options = { application: 'test', signal: testWork().signal };
      return withSession(connection, options, async () =>
        (await programsInside()).map((args) => /^(?:busybox )?(\w+)/.exec(args)?.[1] ?? args),
      );
    });
  }

  /** Process ids inside of what reads. */
  async function readers(): Promise<readonly string[]> {
    const script = `for f in /proc/[0-9]*; do grep -qs -e '[-]-pgdata=-' "$f/cmdline" && grep -qs '^PPid:.0$' "$f/status" && echo "\${f#/proc/}"; done; :`;
    const found = (await docker.docker('exec', server.name, 'sh', '-c', script))
      .split('\n')
      .filter((pid) => pid !== '');
    return found;
  }

  function unlimited(site: Site): Site {
    const sources = { ...site.config.sources, [SOURCE]: postgresSource.parse(server.config({ incrementals: 0 })) };
    return { ...site, config: { ...site.config, sources } };
  }

  async function killInside(signal: string): Promise<void> {
    const pids = await readers();
    assert.equal(pids.length, 1);
    await docker.docker('exec', server.name, 'sh', '-c', `kill -s ${signal} ${pids.join(' ')}`);
  }
});

/** Folders of doors that this process, or one that has died, has left. */
async function doors(): Promise<readonly string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(`mosaic-door-${process.pid}-`));
}

async function argumentsOfAll(): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  return Promise.all(
    // What has ended since has no arguments.
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
}
