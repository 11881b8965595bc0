import assert from 'node:assert/strict';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { chooseTest } from '../../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../../activities/operations/proof/prove.ts';
import { makeScratch, scratchOf } from '../../../../activities/operations/scratch-place.ts';
import type { Site } from '../../../../activities/site.ts';
import { logsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { underServiceUmask } from '../../../support/umask.ts';
import { capture, listed, ship, SOURCE, strangeLogs } from '../../sources/postgres/backups.ts';

describe('a restore test of a database with logs', function () {
  this.timeout(120_000);
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { synchronous_commit: 'on' } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
    await ship(site, scheduled());
    await capture(site, scheduled());
    for (const id of [1, 2, 3]) {
      await server.sql(`INSERT INTO t VALUES (${id})`);
      await server.sql('SELECT pg_switch_wal()');
      await ship(site, scheduled());
    }
  });

  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('with nothing said of scratch, as a service: compared and replayed to a moment within the logs, though state is closed', async () => {
    assert.equal((await stat(site.state)).mode & 0o777, 0o700);
    const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
    assert.ok(choice.at !== null && Date.parse(choice.at) <= Date.now());
    const { compared, notCompared } = await proven(choice);
    assert.ok(compared.includes('relations') && compared.includes('amcheck'), compared.join());
    assert.ok(compared.includes('point in time'), notCompared.join());
    assert.match(notCompared.join(), /contents: recorded for later proofs/);
  });

  it('flaw: logs that lack what they say they hold', async () => {
    const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
    const last = (await listed(site)).findLast(({ manifest }) => manifest.kind === 'logs');
    assert.ok(last);
    const [artifact = ''] = last.manifest.artifacts.map(({ name }) => path.join(site.repository, last.folder, name));
    await rename(artifact, `${artifact}.away`);
    // To the end of them, so that they are needed.
    const target = { ...choice, at: last.manifest.coversUntil ?? choice.at };
    await isBackupError(proven(target), 'verification-failed');
    await rename(`${artifact}.away`, artifact);
    const { compared } = await proven(target);
    assert.ok(compared.includes('point in time'), compared.join());
    // Whatever moment is replayed to besides: the record is of the backup itself, whose table is empty yet.
    assert.ok(compared.includes('contents'), compared.join());
    assert.deepEqual(await readdir(scratchOf(site, 'restore-tests')), []);
  });

  it('flaw: a WAL segment missing: a whole backup of logs that is gone is said to be a hole, by its segment; what is behind it is compared by nothing', async () => {
    const whole = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
    assert.equal(whole.beyond, null);
    const logs = (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs');
    const [second, last] = logs.slice(-2);
    assert.ok(second && last);
    const [segment = ''] = Object.keys(logsPosition.parse(second.manifest.position).segments);
    // In the middle, and the first that follows the backup: then there is no moment at all.
    for (const gone of [[second], logs.slice(0, -1)]) {
      const folders = gone.map((one) => path.join(site.repository, one.folder));
      for (const each of folders) await rename(each, path.join(folder, path.basename(each)));
      const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
      const { notCompared } = await proven(choice);
      const said = notCompared.find((one) => one.startsWith('logs behind a hole: ')) ?? assert.fail(notCompared.join());
      assert.ok(said.includes(`logs until ${new Date(last.manifest.coversUntil ?? '').toISOString()} are there`), said);
      if (gone.length === 1) assert.match(said, new RegExp(`and then ${segment} is missing$`));
      else assert.equal(choice.at, null);
      for (const each of folders) await rename(path.join(folder, path.basename(each)), each);
    }
  });

  it('is of our own logs: what a stranger has put among them is no moment to test, and speaks against no backup', async () => {
    const [, second, last] = (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs').slice(-3);
    assert.ok(second && last);
    const strange = await strangeLogs(site, second);
    for (const run of ['1', '2', '3', '4', '5']) {
      const { at } = await chooseTest({ site, source: SOURCE, runId: `restore-test-${run}` });
      assert.ok(at !== null && Date.parse(at) <= Date.now(), `${at}`);
    }
    const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
    const { compared, notCompared } = await proven({ ...choice, at: last.manifest.coversUntil ?? null });
    assert.ok(compared.includes('point in time'), notCompared.join());
    await rm(strange.folder, { recursive: true });
  });

  function proven(choice: Parameters<typeof proveTest>[0]['choice']) {
    return underServiceUmask(async () => {
      const within = await makeScratch(site, 'restore-tests');
      return proveTest({ site, source: SOURCE, choice, within, work: testWork() });
    });
  }
});
