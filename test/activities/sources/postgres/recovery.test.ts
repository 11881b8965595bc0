import assert from 'node:assert/strict';
import { cp, readdir, readlink, rename, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import { signManifest } from '../../../../activities/storage/manifest-file.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import type { Site } from '../../../../activities/site.ts';
import { parseTarget } from '../../../../model/target.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, ship as shipAt, SOURCE } from './backups.ts';
import { clockOf, insertRow, recoverTo, rowsIn } from './recoveries.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';

describe('recovery of a PostgreSQL source to a point in time', () => {
  let folder: string;
  let server: TestPostgres;
  let site: Site;
  const scheduled = scheduledTimes();
  let restores = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { synchronous_commit: 'on' } });
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config() } }));
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(() => server.stop());
  after(cleanUp);

  const full = () => capture(site, scheduled());
  const ship = () => shipAt(site, scheduled());

  const insert = (id: number) => insertRow(server, id);

  const clock = () => clockOf(server);

  /** Restores to a target, starts a server on it, and says which rows it has. */
  async function rowsAt(at: string): Promise<readonly number[]> {
    return rowsIn(await restoreTo(at), server.binaries.folder);
  }

  async function restoreTo(at: string): Promise<string> {
    const to = path.join(folder, `restored-${restores++}`);
    await recoverTo({ site, to, at });
    return to;
  }

  async function logs(): Promise<readonly string[]> {
    return (await listed(site))
      .filter(({ manifest }) => manifest.kind === 'logs')
      .toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished))
      .map(({ folder: key }) => path.join(site.repository, key));
  }

  it('P02 to a time: the row before it is there, the row after it is not', async () => {
    await ship();
    await full();
    await insert(1);
    const between = await insert(2);
    await insert(3);
    await ship();
    await insert(4);
    await ship();
    assert.deepEqual(await rowsAt(between), [1, 2]);
    assert.deepEqual(await rowsAt('end'), [1, 2, 3, 4]);
  });

  it('P52 to a time in an idle tail that logs cover', async () => {
    await ship();
    await full();
    await insert(1);
    await ship();
    const idle = await clock();
    await ship();
    assert.deepEqual(await rowsAt(idle), [1]);
  });

  it('P02 to a time where logs behind it do not say until when they cover, and the last ones are idle', async () => {
    await ship();
    await full();
    const between = await insert(1);
    await insert(2);
    await ship();
    await ship();
    const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target: parseTarget('end') });
    // As those are that were saved from a stopped server, or came in more than one step.
    const [silent, last] = plan.logs.slice(-2);
    assert.ok(silent && last);
    const { signature: _signature, ...unsigned } = silent.manifest;
    const manifest = signManifest({ ...unsigned, coversUntil: null }, await siteSigner(site));
    const logs = [...plan.logs.slice(0, -2), { ...silent, manifest }, last];
    const to = path.join(folder, `restored-${restores++}`);
    const replay = { logs, target: parseTarget(between) };
    const store = repositoryStore(site.repository);
    await restoreBackup({ site, store, chain: plan.chain, replay, to, paths: [], work: testWork() });
    assert.deepEqual(await rowsIn(to, server.binaries.folder), [1]);
  });

  it('works where the first logs begin right behind the full', async () => {
    await full();
    await ship();
    const first = await insert(1);
    await ship();
    assert.deepEqual(await rowsAt(first), [1]);
  });

  it('P03 over a segment that is sealed twice, since the repository had lost its logs', async () => {
    await ship();
    await full();
    await insert(1);
    await ship();
    const there = path.join(site.repository, 'logs', SOURCE);
    const copy = path.join(folder, 'copy');
    await rename(there, copy);
    await insert(2);
    await ship();
    await cp(copy, there, { recursive: true });
    const segments = (await listed(site)).flatMap(({ manifest }) => Object.keys(manifest.position?.['segments'] ?? {}));
    assert.ok(new Set(segments).size < segments.length, segments.join());
    await insert(3);
    await ship();
    assert.deepEqual(await rowsAt('end'), [1, 2, 3]);
  });

  it('to an LSN, and to a named restore point', async () => {
    await ship();
    await full();
    await insert(1);
    const [here] = await server.sql('SELECT pg_current_wal_insert_lsn()::text AS lsn');
    await insert(2);
    await server.sql(`SELECT pg_create_restore_point('before the change')`);
    await insert(3);
    await ship();
    assert.deepEqual(await rowsAt(String(here?.['lsn'])), [1]);
    assert.deepEqual(await rowsAt('name:before the change'), [1, 2]);
  });

  it('P03 a deleted middle segment fails the restore before anything is fetched, and it says what can be reached', async () => {
    await ship();
    await full();
    const early = await insert(1);
    await ship();
    await insert(2);
    await ship();
    const late = await insert(3);
    await ship();
    const middle = (await logs())[2];
    assert.ok(middle);
    await rm(middle, { recursive: true });
    assert.deepEqual(await rowsAt(early), [1]);
    const error = await isBackupError(restoreTo(late), 'refused');
    assert.match(error.message, /0000000100000000000000[0-9A-F]{2} is missing/);
    assert.match(error.remedy ?? '', /These times can be reached: 20/);
    await isBackupError(restoreTo('0/FF000000'), 'refused');
  });

  it('P04 refuses a target before the backup’s end, or after the last WAL', async () => {
    await ship();
    const early = await insert(1);
    await full();
    await insert(2);
    await ship();
    const later = await clock();
    const before = await isBackupError(restoreTo(early), 'refused');
    assert.match(before.message, /after that time/);
    await isBackupError(restoreTo('0/1000028'), 'refused');
    const after = await isBackupError(restoreTo(later), 'refused');
    assert.match(after.message, /WAL that follows on it ends at/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('restored')),
      [],
    );
  });

  it('P05 an outage while WAL is fetched fails the restore and never promotes', async () => {
    await ship();
    await full();
    const wanted = await insert(1);
    await ship();
    await insert(2);
    await ship();
    const artifact = path.join((await logs())[1] ?? '', 'wal.tar.zst.age');
    await truncate(artifact, 1000);
    const error = await isBackupError(restoreTo(wanted), 'verification-failed');
    assert.match(error.message, /shorter than the manifest says/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('restored')),
      [],
    );
  });

  it('P09 of a cluster with tablespaces, production’s folder untouched', async () => {
    const place = await temporaryFolder();
    await giveTo(await serverUser(), place, new AbortController().signal);
    await server.sql(`CREATE TABLESPACE fast LOCATION '${place}'`);
    await server.sql('DROP TABLE t');
    await server.sql('CREATE TABLE t (id int PRIMARY KEY) TABLESPACE fast');
    await ship();
    await full();
    const wanted = await insert(1);
    await insert(2);
    await ship();
    const before = await readdir(place, { recursive: true });
    assert.deepEqual(await rowsAt(wanted), [1]);
    assert.deepEqual(await readdir(place, { recursive: true }), before);
    const links = path.join(folder, `restored-${restores - 1}`, 'pg_tblspc');
    const [oid = ''] = await readdir(links);
    assert.equal(await readlink(path.join(links, oid)), path.join(path.dirname(links), 'tablespaces', oid));
    assert.deepEqual(await server.sql('SELECT id FROM t ORDER BY id'), [{ id: 1 }, { id: 2 }]);
  });

  it('P11 across a switch of the timeline', async () => {
    await ship();
    await full();
    await insert(1);
    await ship();
    const first = await insert(2);
    await failOver();
    await insert(3);
    const second = await insert(4);
    await insert(5);
    await ship();
    await ship();
    const found = (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs');
    assert.ok(
      found.every(({ manifest }) => manifest.warnings.length === 0),
      'no hole at the switch',
    );
    assert.deepEqual(await rowsAt(first), [1, 2]);
    assert.deepEqual(await rowsAt(second), [1, 2, 3, 4]);
    assert.deepEqual(await rowsAt('end'), [1, 2, 3, 4, 5]);
  });

  /** As after a failover or a recovery in place: the server goes on, on the next timeline. */
  async function failOver(): Promise<void> {
    await server.sql("ALTER SYSTEM SET restore_command = 'false'");
    await server.stop();
    await writeFile(path.join(server.data, 'recovery.signal'), '');
    await server.start();
    const [row] = await server.sql(`SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline`);
    assert.deepEqual(row, { timeline: '00000002' });
  }
});
