import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../../activities/site.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { startServer, type PrivateServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { lossesOf } from '../../../../model/drill/loss.ts';
import type { DataLoss } from '../../../../model/drill/drill.ts';
import { isBackupError } from '../../../support/errors.ts';
import { withFakedClock, type FakedClock } from '../../../support/faked-clock.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { processesNaming } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { captureNow, restoreNewest, restoreToEnd, serveRestored, shipNow } from '../served.ts';
import { contextOf } from './backups.ts';

const ROLE = new URL('../../../../infra/roles/postgres-canary.sql', import.meta.url);
const MINUTE = 60_000;

describe('the canary of a PostgreSQL source', () => {
  let folder: string;
  let server: TestPostgres;
  let faked: PrivateServer;
  let clock: FakedClock;
  let site: Site;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'production');
    await mkdir(own, { mode: 0o755 });
    server = await startPostgres({ folder: own, settings: { track_commit_timestamp: 'on' } });
    await server.sql('CREATE TABLE secrets AS SELECT 1 AS id');
    ({ site } = await makeSite({ folder, sources: { db: server.config('socket', { canary: {} }) } }));
  });
  after(async () => {
    await faked?.stop('immediate');
    await server?.stop('immediate');
    await cleanUp();
  });

  function beat(): Promise<void> {
    const context = contextOf(site, server.source('socket', { canary: {} }), path.join(folder, 'state'));
    return postgres.beat?.(context) ?? assert.fail('the type has a canary');
  }

  async function finding() {
    const context = contextOf(site, server.source('socket', { canary: {} }), path.join(folder, 'state'));
    return (await postgres.preflight(context)).find(({ code }) => code === 'postgres.canary');
  }

  async function beats(): Promise<readonly Date[]> {
    const rows = await server.sql('SELECT at FROM mosaic_backup_canary.beats ORDER BY at');
    return rows.map(({ at }) => (at instanceof Date ? at : assert.fail('no time')));
  }

  it('is missed by doctor, with the command that makes it, and stops no backup', async () => {
    const found = await finding();
    assert.equal(found?.severity, 'warning');
    assert.match(found.message, /its canary writes nothing.*mosaic_canary/);
    assert.match(found.remedy ?? '', /^psql -d postgres -f infra\/roles\/postgres-canary\.sql/);
  });

  it('writes rows by the server’s clock, keeps those of a day, and may do nothing else', async () => {
    const sql = await readFile(ROLE, 'utf8');
    // Once or again.
    for (let turn = 0; turn < 2; turn += 1) await server.sql(sql);
    assert.equal(await finding(), undefined);
    await server.sql(
      `INSERT INTO mosaic_backup_canary.beats VALUES (now() - interval '25 hours'), (now() - interval '23 hours')`,
    );
    await beat();
    const [kept, ...written] = await beats();
    assert.ok(kept && Date.now() - kept.getTime() < 24 * 60 * MINUTE);
    assert.equal(written.length, 2, 'one by preflight, one by itself');

    const connection = { ...server.server().connection, user: 'mosaic_canary', database: 'postgres' };
    const { signal } = testWork();
    await withSession(connection, { application: 'test', signal }, async (session) => {
      for (const denied of [
        'SELECT * FROM public.secrets',
        'INSERT INTO public.secrets VALUES (2)',
        'CREATE TABLE public.mine (id int)',
        'CREATE TABLE mosaic_backup_canary.mine (id int)',
        'CREATE SCHEMA mine',
        'CREATE DATABASE mine',
        'CREATE ROLE mine',
        'TRUNCATE mosaic_backup_canary.beats',
        'UPDATE mosaic_backup_canary.beats SET at = now()',
        'DROP TABLE mosaic_backup_canary.beats',
        'ALTER TABLE mosaic_backup_canary.beats ADD COLUMN more text',
        'GRANT SELECT ON mosaic_backup_canary.beats TO PUBLIC',
        'SELECT pg_read_file($$/etc/passwd$$)',
        'SELECT rolpassword FROM pg_catalog.pg_authid',
      ]) {
        const attempt = session.run(denied).then(() => assert.fail(denied));
        // A grant without the right to grant is a warning only, and grants nothing.
        if (denied.startsWith('GRANT')) await attempt.catch(() => undefined);
        else assert.match((await isBackupError(attempt, 'access-denied')).message, /permission|owner/, denied);
      }
    });
    const [grant] = await server.sql(
      `SELECT has_table_privilege('mosaic_check', 'mosaic_backup_canary.beats', 'INSERT') AS open`,
    );
    assert.equal(grant?.['open'], false);
  });

  // The clock of the server is moved by libfaketime; all it writes is what a server writes 20 minutes later.
  it('shows, where nothing was shipped for 20 minutes, that so much is lost; and seconds where all was', async () => {
    await server.stop();
    clock = await withFakedClock(path.join(folder, 'production'), server.binaries.folder);
    faked = await startServer({
      data: server.data,
      binaries: clock.binaries,
      superuser: 'postgres',
      runtime: path.join(folder, 'production', 'run'),
      settings: { track_commit_timestamp: 'on', max_slot_wal_keep_size: '1GB' },
      signal: testWork().signal,
    });
    await captureNow(site, '2026-03-01T02:00:00Z');
    await beat();
    await shipNow(site, '2026-03-01T02:05:00Z');
    for (const minutes of [5, 10, 15, 20]) {
      await clock.move(minutes);
      await beat();
    }
    const [row] = await server.sql('SELECT clock_timestamp() AS at');
    const declared = row?.['at'] instanceof Date ? row['at'].toISOString() : assert.fail('no time');

    const losses = await lossesAfter(declared);
    assert.deepEqual(
      losses.map(({ by }) => by),
      ['canary', 'commit'],
    );
    for (const { by, milliseconds } of losses) {
      assert.ok(milliseconds >= 20 * MINUTE, `${by}: ${milliseconds}`);
      assert.ok(milliseconds < 22 * MINUTE, `${by}: ${milliseconds}`);
    }

    await shipNow(site, '2026-03-01T02:25:00Z');
    for (const { by, milliseconds } of await lossesAfter(declared))
      assert.ok(milliseconds < MINUTE, `${by}: ${milliseconds}`);
  });

  /** What is lost where a disaster comes now: by a restore to the end of the logs. */
  async function lossesAfter(declared: string): Promise<readonly DataLoss[]> {
    const data = path.join(folder, `recovered-${restores++}`);
    await restoreToEnd(site, data);
    const service = await serveRestored(site, data, `${data}.run`);
    try {
      const [kept] = (await service.ask({ text: 'SHOW track_commit_timestamp' }, testWork())).split('\n');
      assert.equal(kept, 'on');
      const committed =
        'SELECT count(*) FROM mosaic_backup_canary.beats WHERE pg_xact_commit_timestamp(xmin) IS NOT NULL';
      assert.notEqual(
        await service.ask({ text: committed }, testWork()),
        '0',
        'commit timestamps outlive the recovery',
      );
      const newest = await service.newest(testWork());
      // What is tried on it changes nothing of that.
      await service.ask({ text: 'CREATE TABLE tried (id int)' }, testWork());
      assert.deepEqual(await service.newest(testWork()), newest);
      return lossesOf(newest, declared);
    } finally {
      await service.stop();
    }
  }

  it('tells of a backup alone as well, where nothing else does; what is tried on it counts for nothing, even when it is recovered behind a crash', async () => {
    const data = path.join(folder, 'alone');
    await restoreNewest(site, data);
    const service = await serveRestored(site, data, `${data}.run`);
    const newest = await service.newest(testWork());
    const [canary] = newest;
    assert.equal(canary?.by, 'canary');
    assert.equal(newest.length, 1);
    assert.ok(Math.abs(Date.now() - Date.parse(canary.time)) < 10 * MINUTE);
    await service.ask({ text: 'CREATE TABLE tried (id int)' }, testWork());
    const first = processesNaming(`${data}.run`).find(({ args }) => args[0]?.endsWith('/postgres') && args[1] === '-D');
    process.kill(first?.pid ?? assert.fail('it runs'), 'SIGQUIT');
    await until('it has crashed', () => !service.running());
    const again = await serveRestored(site, data, `${data}.again`);
    try {
      assert.equal(await again.ask({ text: 'SELECT count(*) FROM tried' }, testWork()), '0');
      assert.deepEqual(await again.newest(testWork()), newest);
    } finally {
      await again.stop();
      await service.stop();
    }
  });
});
