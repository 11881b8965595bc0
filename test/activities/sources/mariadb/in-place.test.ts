import assert from 'node:assert/strict';
import { chown, mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { serverUser } from '../../../../activities/sources/mariadb/server-user.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { parseTarget } from '../../../../model/target.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedMariadb } from '../../../support/managed-mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { inPlace } from '../../operations/in-place/requests.ts';
import { capture, listed, ship as shipAt, SOURCE } from '../postgres/backups.ts';
import { onRestored } from './backups.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';

/** With the binary logs in the data folder, and beside it. */
describe('restores in place of a MariaDB source', function () {
  this.timeout(300_000);
  let folder: string;
  let server: ManagedMariadb;
  let site: Site;
  const scheduled = scheduledTimes();
  let restores = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => server?.end());
  after(cleanUp);

  async function start(binlogs?: string): Promise<void> {
    server = await startManaged(folder, binlogs);
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE DATABASE a; CREATE TABLE a.t (id int PRIMARY KEY)');
  }

  const full = () => capture(site, scheduled());
  const ship = () => shipAt(site, scheduled());

  /** Inserts a row, and says its GTID. */
  async function insert(id: number): Promise<string> {
    await server.sql(`INSERT INTO a.t VALUES (${id})`);
    return (await server.sql('SELECT @@GLOBAL.gtid_binlog_pos'))[0] ?? '';
  }

  const rows = async () => (await server.sql('SELECT id FROM a.t ORDER BY id')).map(Number);

  async function rowsAt(at: string): Promise<readonly number[]> {
    const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: parseTarget(at) });
    const to = path.join(folder, `restored-${restores++}`);
    const store = repositoryStore(site.repository);
    await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
    const { signal } = testWork();
    return onRestored(to, async (connection) =>
      (await run(connection, 'SELECT id FROM a.t ORDER BY id', { signal })).map(Number),
    );
  }

  /** Who stands where the old history ended must not be served from the new one, as if nothing had been between. */
  async function refusedAsReplica(gtid: string): Promise<void> {
    const from = [
      '--no-defaults',
      '--read-from-remote-server',
      `--socket=${server.socket}`,
      `--start-position=${gtid}`,
    ];
    const [first = ''] = (await server.sql('SHOW BINARY LOGS')).map((line) => line.split('\t')[0] ?? '');
    const reading = runProgram({ command: 'mariadb-binlog', args: [...from, first], cwd: '/' });
    const error = await isBackupError(reading, 'program-failed');
    assert.match(String(error.facts['stderr']), /Could not find GTID state requested/);
  }

  async function refusedFrom(base: Catalogued | undefined, at: string): Promise<void> {
    const catalogue = await listed(site);
    const from = catalogue.find(({ folder }) => folder === base?.folder);
    assert.ok(from);
    const lineageOf = ({ manifest }: Catalogued) => manifest.position?.['lineage'];
    const logs = catalogue.filter(({ manifest }) => manifest.kind === 'logs');
    const newest = logs.toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished)).at(-1);
    // Also where those of its own time are gone.
    const others = catalogue.filter((one) => !logs.includes(one) || (newest && lineageOf(one) === lineageOf(newest)));
    for (const there of [catalogue, others]) {
      const planning = async () => planRecovery({ catalogue: there, source: SOURCE, target: parseTarget(at), from });
      assert.match((await isBackupError(planning(), 'refused')).message, /cannot be reached/);
    }
  }

  /** @param begunAnew whether the binary logs are set aside with the old data. */
  async function twice(begunAnew: boolean): Promise<void> {
    await full();
    const one = await insert(1);
    await insert(2);
    await ship();
    const base = (await listed(site)).find(({ manifest }) => manifest.kind === 'full');
    const three = await insert(3);
    // While it answers it is shipped once more: this comes behind that, and is only in the files of the stopped server.
    await server.lastWords('INSERT INTO a.t VALUES (4)');
    const four = three.replace(/\d+$/, (number) => String(Number(number) + 1));

    await inPlace(site, { at: one });
    assert.deepEqual(await rows(), [1]);
    const eleven = await insert(11);
    await insert(12);
    await ship();
    assert.ok(sequenceOf(eleven) > sequenceOf(four), `${eleven} was given before, up to ${four}`);
    if (begunAnew) await refusedAsReplica(four);

    // From the very same backup.
    await inPlace(site, { at: one, from: base });
    assert.deepEqual(await rows(), [1]);
    const last = await insert(21);
    assert.equal((await ship())?.gap, null);
    await insert(22);
    assert.equal((await ship())?.gap, null);

    assert.deepEqual(await rowsAt(three), [1, 2, 3], 'before the first');
    assert.deepEqual(await rowsAt(four), [1, 2, 3, 4], 'up to what was saved from the stopped server');
    assert.deepEqual(await rowsAt(one), [1]);
    assert.deepEqual(await rowsAt(eleven), [1, 11], 'between the two');
    assert.deepEqual(await rowsAt(last), [1, 21], 'after the second');
    assert.deepEqual(await rowsAt('end'), [1, 21, 22]);
    // What came after a restore is no continuation of what was before it, whatever the names of files and the GTIDs say.
    for (const at of [eleven, last]) await refusedFrom(base, at);
    assert.equal((await readdir(folder)).filter((name) => name.startsWith('data.before-')).length, 2);
    await server.restart();
    assert.deepEqual(await rows(), [1, 21, 22]);
  }

  it('P54 two in a row, then shipping and PITR work, to GTIDs before, between and after them', async () => {
    await start();
    await twice(true);
  });

  it('P54 the same with the binary logs outside of the data folder, where they go on', async () => {
    const outside = path.join(folder, 'binlogs');
    await mkdir(outside, { mode: 0o700 });
    const user = await serverUser();
    if (user) await chown(outside, user.uid, user.gid);
    await start(path.join(outside, 'binlog'));
    await twice(false);
  });

  it('P54 the old data put back by hand: a full of them takes no logs of the history between, though files and GTIDs come again', async () => {
    await start();
    await full();
    const one = await insert(1);
    await insert(2);
    await ship();
    await inPlace(site, { at: one });
    // One backup of logs with many files and GTIDs: those of the full below are among them.
    for (let id = 11; id < 21; id++) {
      await insert(id);
      await server.sql('FLUSH BINARY LOGS');
    }
    await ship();
    await server.end();
    const before = (await readdir(folder)).find((name) => name.startsWith('data.before-'));
    assert.ok(before);
    await rename(server.data, `${server.data}.failed-by-hand`);
    await rename(path.join(folder, before), server.data);
    await server.restart();
    assert.deepEqual(await rows(), [1, 2]);
    const ids = [21, 22, 23, 24, 25];
    for (const id of ids) await insert(id);
    // Of now: what was saved before the restore in place has its time.
    const { backup } = await capture(site, wholeSeconds(Date.now()));
    const catalogue = await listed(site);
    const from = catalogue.find(({ manifest }) => backup.reference.endsWith(`/${manifest.id}`));
    assert.ok(from);
    const early = async () => planRecovery({ catalogue, source: SOURCE, target: parseTarget('end'), from });
    await isBackupError(early(), 'refused');
    // What the server has does not follow what was shipped last: that is said once, and it begins anew.
    await isBackupError(ship(), 'conflict');
    assert.match((await ship())?.gap ?? '', /begin anew/);
    await insert(26);
    await ship();
    assert.deepEqual(await rowsAt('end'), [1, 2, ...ids, 26]);
  });

  function sequenceOf(gtid: string): number {
    return Number(gtid.split('-')[2]);
  }
});
