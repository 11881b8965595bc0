import assert from 'node:assert/strict';
import { chown, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { serverUser } from '../../../../activities/sources/mariadb/server-user.ts';
import type { Site } from '../../../../activities/site.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { parseTarget } from '../../../../model/target.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startManaged, type ManagedMariadb } from '../../../support/managed-mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { inPlace } from '../../operations/in-place/requests.ts';
import { capture, listed, ship as shipAt, SOURCE } from '../postgres/backups.ts';
import { onRestored } from './backups.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
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
    // Whoever is not kept away goes on writing to the last moment: long after what was shipped last.
    const client = `mariadb --no-defaults --socket=${server.socket}`;
    const write = `${client} -e 'INSERT INTO a.t SELECT MAX(id) + 1 FROM a.t' && exec "$@"`;
    const stop = ['sh', '-c', write, 'sh', ...server.inPlace.stop];
    const config = server.config({ inPlace: { ...server.inPlace, stop } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: config } }));
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

  async function twice(): Promise<void> {
    await full();
    const one = await insert(1);
    await insert(2);
    await ship();
    const base = (await listed(site)).find(({ manifest }) => manifest.kind === 'full');
    const three = await insert(3);

    await inPlace(site, { at: one });
    assert.deepEqual(await rows(), [1]);
    const eleven = await insert(11);
    const twelve = await insert(12);
    await ship();
    assert.ok(sequenceOf(eleven) > sequenceOf(three), `${eleven} was given before, up to ${three}`);

    // From the very same backup.
    await inPlace(site, { at: one, from: base });
    assert.deepEqual(await rows(), [1]);
    const last = await insert(21);
    assert.equal((await ship())?.gap, null);
    await insert(22);
    assert.equal((await ship())?.gap, null);

    const saved = await rowsAt(next(three));
    assert.deepEqual(saved, [1, 2, 3, 4], 'before the first, up to what was saved from the stopped server');
    assert.deepEqual(await rowsAt(next(twelve)), [1, 11, 12, 13], 'before the second, likewise');
    assert.deepEqual(await rowsAt(one), [1]);
    assert.deepEqual(await rowsAt(eleven), [1, 11], 'between the two');
    assert.deepEqual(await rowsAt(last), [1, 21], 'after the second');
    assert.deepEqual(await rowsAt('end'), [1, 21, 22]);
    assert.equal((await readdir(folder)).filter((name) => name.startsWith('data.before-')).length, 2);
    await server.restart();
    assert.deepEqual(await rows(), [1, 21, 22]);
  }

  it('P54 two in a row, then shipping and PITR work, to GTIDs before, between and after them', async () => {
    await start();
    await twice();
  });

  it('P54 the same with the binary logs outside of the data folder, where they go on', async () => {
    const outside = path.join(folder, 'binlogs');
    await mkdir(outside, { mode: 0o700 });
    const user = await serverUser();
    if (user) await chown(outside, user.uid, user.gid);
    await start(path.join(outside, 'binlog'));
    await twice();
  });

  /** The GTID right after another. */
  function next(gtid: string): string {
    return gtid.replace(/\d+$/, (sequence) => String(Number(sequence) + 1));
  }

  function sequenceOf(gtid: string): number {
    return Number(gtid.split('-')[2]);
  }
});
