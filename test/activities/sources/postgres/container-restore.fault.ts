/** Restores to a PostgreSQL server in a container: in place, over data on a bind mount, and of a table into it. */
import assert from 'node:assert/strict';
import { mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import type { Site } from '../../../../activities/site.ts';
import { mosaicHere } from '../../../support/command-line.ts';
import { startDocker, type TestDocker } from '../../../support/docker.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { DATA, startPostgresContainer, type PostgresContainer } from '../../../support/postgres-container.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { inPlace, requestOf } from '../../operations/in-place/requests.ts';
import { isBackupError } from '../../../support/errors.ts';
import { planInPlace } from '../../../../activities/operations/in-place/index.ts';
import { capture, ship as shipAt, SOURCE } from './backups.ts';
import { insertRow, recoverTo, rowsIn } from './recoveries.ts';

describe('restores to a PostgreSQL server in a container', function () {
  // Each session is a `docker exec`: long on a busy machine.
  this.timeout(300_000);
  let folder: string;
  let data: string;
  let docker: TestDocker;
  let server: PostgresContainer;
  let test: TestSite;
  let site: Site;
  let restores = 0;

  before(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    docker = await startDocker();
    server = await startPostgresContainer({ docker, data, settings: { synchronous_commit: 'on' } });
    test = await makeSite({ folder, sources: { [SOURCE]: server.config({ inPlace: place(), export: {} }) } });
    ({ site } = test);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  after(async () => {
    await docker?.stop();
    await cleanUp();
  });

  /** As docs/postgres.md has it. */
  function place() {
    const command = ['docker', `--host=unix://${docker.socket}`];
    return {
      data,
      seenAs: DATA,
      stop: [...command, 'stop', '--time=120', server.name],
      start: [...command, 'start', server.name],
    };
  }

  const scheduled = scheduledTimes();
  const ship = () => shipAt(site, scheduled());

  const insert = (id: number) => insertRow(server, id);

  async function rows(): Promise<readonly number[]> {
    return (await server.sql('SELECT id FROM t ORDER BY id')).map(({ id }) => Number(id));
  }

  async function rowsAt(at: string): Promise<readonly number[]> {
    const to = path.join(folder, `restored-${restores++}`);
    await recoverTo({ site, to, at });
    return rowsIn(to, server.programs);
  }

  it('P54 in place, twice in a row: served by the same container, what was not shipped is saved, and shipping goes on', async () => {
    const { uid } = await stat(path.join(data, 'PG_VERSION'));
    await ship();
    await capture(site, scheduled());
    const one = await insert(1);
    await ship();
    const two = await insert(2);
    const told: string[] = [];
    await inPlace(site, { at: one, told });
    assert.deepEqual(await rows(), [1]);
    assert.match(told.join('\n'), /stopping the server: docker .*saved what the old server had not shipped/s);
    assert.equal((await stat(path.join(data, 'PG_VERSION'))).uid, uid, 'another user runs the server inside');
    assert.doesNotMatch(await server.log(), /database system was not properly shut down/);
    await insert(11);
    await ship();

    await inPlace(site, { at: one });
    assert.deepEqual(await rows(), [1]);
    const last = await insert(21);
    assert.equal((await ship())?.gap, null);
    assert.deepEqual(await rowsAt(two), [1, 2]);
    assert.deepEqual(await rowsAt(last), [1, 21]);
    const kept = (await readdir(folder)).filter((name) => name.startsWith('data.before-'));
    assert.equal(kept.length, 2);
  });

  it('in place while the container is stopped: its data are enough to begin with', async () => {
    await server.sql('INSERT INTO t VALUES (31)');
    await docker.docker('stop', server.name);
    await inPlace(site, {});
    assert.ok(!(await rows()).includes(31));
  });

  it('in place is refused where seenAs is not what the server says', async () => {
    const source = site.config.sources[SOURCE];
    assert.ok(source?.type === 'postgres' && source.inPlace);
    const wrong = { ...source, inPlace: { ...source.inPlace, seenAs: '/var/lib/elsewhere' } };
    const config = { ...site.config, sources: { [SOURCE]: wrong } };
    const request = { ...(await requestOf(site, {})), site: { ...site, config } };
    const error = await isBackupError(planInPlace(request), 'refused');
    assert.match(error.remedy ?? '', /inPlace\.seenAs/);
  });

  it('a table, and a database, of an export go into it by the way that its backups take', async () => {
    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE TABLE orders AS SELECT i AS id FROM generate_series(1, 1000) i', 'shop');
    const run = { runId: 'weekly-2026-11-29T01:00:00Z', scheduled: '2026-11-29T01:00:00Z', attempt: 1, busy: 1000 };
    await captureBackup({ site, source: SOURCE, tier: 'weekly', ...run, work: testWork() });
    await server.sql('TRUNCATE orders', 'shop');
    const args = ['-c', test.file, 'restore', 'latest', '--source', SOURCE, '--database', 'shop'];
    const planned = await mosaicHere([...args, '--table', 'orders', '--into', 'user=postgres', '--dry-run']);
    assert.equal(planned.code, 0, planned.stderr);
    const done = await mosaicHere([...args, '--table', 'orders', '--into', 'user=postgres']);
    assert.equal(done.code, 0, done.stderr);
    const counted = 'SELECT count(*)::int AS n, sum(id)::int AS sum FROM orders';
    assert.deepEqual(await server.sql(counted, 'shop'), [{ n: 1000, sum: 500_500 }]);
    const whole = await mosaicHere([...args, '--into', 'user=postgres database=rescue']);
    assert.equal(whole.code, 0, whole.stderr);
    assert.deepEqual(await server.sql(counted, 'rescue'), [{ n: 1000, sum: 500_500 }]);
    const nobody = await mosaicHere([...args, '--into', 'user=nobody database=other']);
    assert.equal(nobody.code, 8, nobody.stderr);
    assert.match(nobody.stderr, /in container mosaic-postgres/);
  });
});
