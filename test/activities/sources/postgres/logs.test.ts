import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { logsPosition, type LogsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { slotName } from '../../../../activities/sources/postgres/logs/slot.ts';
import { leftOnServers, releaseRemoved } from '../../../../activities/operations/removed-sources.ts';
import { logsSource } from '../../../../activities/operations/ship-logs.ts';
import { slotLostIn } from '../../../../activities/operations/slot-lost.ts';
import { logsOf } from '../../../../activities/sources/index.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { ServerStanding } from '../../../../model/logs-run.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { listed, names, ship as shipAt, SOURCE } from './backups.ts';

const CHILD = fileURLToPath(new URL('ship-in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../../../support/signal-at.mjs', import.meta.url));

describe('shipping of the WAL of a PostgreSQL source', () => {
  let server: TestPostgres;
  let made: TestSite;
  let site: Site;
  let minute = 0;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    server = await startPostgres({ folder, segment: 16 });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    ({ site } = made);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
  });
  afterEach(() => server.stop());
  after(cleanUp);

  function scheduled(): string {
    return timeOf(minute++);
  }

  function timeOf(round: number): string {
    return new Date(Date.UTC(2026, 10, 23, 2, 5 * round)).toISOString().replace('.000Z', 'Z');
  }

  function ship(): Promise<ShippedLogs | null> {
    return shipAt(site, scheduled());
  }

  /** Ships in a process that kills itself where it comes to a function. */
  async function shipKilled(point: string): Promise<void> {
    const reached = path.join(site.state, 'reached');
    const args = ['--import', SIGNAL_AT, CHILD, made.file, scheduled()];
    const env = { ...process.env, SIGNAL_AT: point, SIGNAL_ONCE: reached };
    const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
    assert.equal(signal, 'SIGKILL', `it never came to ${point}`);
  }

  async function shipped(): Promise<readonly (readonly [Manifest, LogsPosition])[]> {
    const logs = (await listed(site)).map(({ manifest }) => manifest).filter(({ kind }) => kind === 'logs');
    return logs
      .toSorted((a, b) => a.finished.localeCompare(b.finished))
      .map((manifest) => [manifest, logsPosition.parse(manifest.position)]);
  }

  async function received(): Promise<readonly string[]> {
    const folder = path.join(site.state, 'sources', SOURCE, 'received');
    const found = await readdir(folder, { recursive: true });
    return found.map((each) => path.basename(each)).filter((name) => /^[0-9A-F]{24}$/.test(name));
  }

  /** All segments that were shipped, each once, in order, without a hole. */
  async function assertWhole(): Promise<void> {
    const logs = await shipped();
    const segments = logs.flatMap(([, { segments: each }]) => Object.keys(each).toSorted());
    assert.deepEqual(segments, [...new Set(segments)].toSorted(), 'a segment twice, or out of order');
    for (const [index, [, { startLsn, gap }]] of logs.entries()) {
      assert.equal(gap, null);
      if (index > 0) assert.equal(startLsn, logs[index - 1]?.[1].endLsn);
    }
  }

  async function changeAll(rows: number): Promise<void> {
    await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, ${rows}) i
      ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
  }

  it('takes each segment once, in order, and says until when they cover', async () => {
    for (let tick = 0; tick < 3; tick++) {
      await changeAll(20_000);
      const before = Date.now();
      const found = await ship();
      assert.ok(found?.coversUntil);
      const age = Date.parse(found.coversUntil) - before;
      assert.ok(age > -1000 && age < 15_000, found.coversUntil);
      assert.equal(found.gap, null);
    }
    await assertWhole();
    assert.equal((await shipped()).length, 3);
    assert.equal((await received()).length, 1, 'what is sealed is deleted, but for the newest');
    assert.deepEqual(await names(site.repository, '.staging'), []);
    const [slot] = await server.sql('SELECT slot_name, wal_status FROM pg_replication_slots');
    assert.deepEqual(slot, { slot_name: slotName('test', SOURCE), wal_status: 'reserved' });
  });

  it('P14 goes on while nothing is written, at little cost', async () => {
    await ship();
    for (let tick = 0; tick < 2; tick++) {
      const found = await ship();
      assert.ok(found, 'an idle tick moves the time up to which logs cover');
      assert.ok(found.bytes < 65_536, `${found.bytes} bytes stored`);
    }
    await assertWhole();
  });

  it('moves the position of the slot, so that the server lets go of what is sealed', async () => {
    await ship();
    const [before] = await server.sql('SELECT restart_lsn::text AS lsn FROM pg_replication_slots');
    await changeAll(20_000);
    await ship();
    await ship();
    const [after] = await server.sql(
      `SELECT restart_lsn > '${String(before?.['lsn'])}' AS moved FROM pg_replication_slots`,
    );
    assert.deepEqual(after, { moved: true });
  });

  for (const point of [
    'activities/sources/postgres/logs/pack.ts#pack',
    'activities/storage/repository.ts#sealBackup',
  ]) {
    it(`P51 SIGKILL between receive and seal loses no segment (${point})`, async () => {
      await ship();
      await changeAll(50_000);
      await shipKilled(point);
      assert.equal((await shipped()).length, 1, 'it was killed before its seal');
      assert.ok((await received()).length > 1, 'it was killed after it had received');
      // As after a reboot: the server may keep nothing for the slot any more that it has let go of.
      await server.sql('CHECKPOINT');
      await changeAll(1000);
      await ship();
      await assertWhole();
    }).timeout(120_000);
  }

  it('goes on, without a hole, where its state is lost', async () => {
    await ship();
    await changeAll(20_000);
    await ship();
    await rm(site.state, { recursive: true });
    await changeAll(1000);
    const found = await ship();
    assert.equal(found?.gap, null);
    await assertWhole();
  });

  it('P03 says that there is a hole when the slot was dropped, and goes on behind it', async () => {
    await ship();
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', SOURCE)}')`);
    for (let round = 0; round < 3; round++) {
      await changeAll(20_000);
      await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
    }
    const found = await ship();
    assert.match(found?.gap ?? '', /hole in the logs/);
    assert.match((await lostIn(minute - 1)) ?? '', /was dropped by somebody/);
    await changeAll(1000);
    assert.equal((await ship())?.gap, null);
  });

  it('P03 and P06 a slot that was lost without a hole is told by the tick that finds it, and by no other', async () => {
    await ship();
    assert.equal(await lostIn(minute - 1), null, 'a first slot was never lost');
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', SOURCE)}')`);
    const found = await ship();
    assert.equal(found?.gap, null);
    assert.match((await lostIn(minute - 1)) ?? '', /was dropped by somebody/);
    await ship();
    assert.equal(await lostIn(minute - 1), null);
    await assertWhole();
  });

  it('P03 a slot that the server invalidated is replaced, and why is said', async () => {
    await ship();
    await server.sql(`ALTER SYSTEM SET max_slot_wal_keep_size = '16MB'`);
    await server.stop();
    await server.start({ max_slot_wal_keep_size: undefined });
    for (let round = 0; round < 6; round++) await changeAll(20_000);
    for (let round = 0; round < 2; round++) await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
    const [row] = await server.sql('SELECT wal_status AS status FROM pg_replication_slots');
    assert.deepEqual(row, { status: 'lost' });
    const found = await ship();
    assert.match(found?.gap ?? '', /hole in the logs/);
    assert.match((await lostIn(minute - 1)) ?? '', /invalidated by the server \(wal_status lost\)/);
    assert.equal((await ship())?.gap, null);
  });

  it('P03 what a slot still keeps above its limit is saved before the next checkpoint takes it', async () => {
    await ship();
    await server.stop();
    await server.start({ max_slot_wal_keep_size: '16MB', checkpoint_timeout: '1h', max_wal_size: '2GB' });
    for (let round = 0; round < 6; round++) await changeAll(20_000);
    const [row] = await server.sql('SELECT wal_status AS status FROM pg_replication_slots');
    assert.deepEqual(row, { status: 'unreserved' });
    const found = await ship();
    assert.equal(found?.gap, null);
    assert.equal(await lostIn(minute - 1), null);
    await assertWhole();
  });

  it('says what the slot keeps, and how much is free where the data and the WAL lie', async () => {
    await ship();
    const before = await standingOf();
    assert.equal(before.slot?.name, slotName('test', SOURCE));
    assert.equal(before.slot?.limit, 2 ** 30);
    assert.deepEqual(
      before.space.map(({ path: at }) => at),
      [server.data],
    );
    assert.ok(before.space.every(({ free }) => free > 0));
    await changeAll(50_000);
    const { slot } = await standingOf();
    assert.ok((slot?.kept ?? 0) > (before.slot?.kept ?? 0) + 2 ** 20);
    // Another server's folder at the same place, as where the server runs in a container.
    const pid = path.join(server.data, 'postmaster.pid');
    const own = await readFile(pid, 'utf8');
    await writeFile(pid, own.split('\n').with(2, '12345').join('\n'));
    try {
      assert.deepEqual((await standingOf()).space, []);
    } finally {
      await writeFile(pid, own);
    }
  });

  it('a source that is gone from the config, or ships no longer, drops its slot; what remains is shown', async () => {
    await ship();
    const slots = () => server.sql('SELECT slot_name FROM pg_replication_slots');
    const off = await makeSite({
      folder: await temporaryFolder(),
      sources: { [SOURCE]: server.config('socket', { logs: { enabled: false } }) },
    });
    const gone: Site = { ...site, config: { ...site.config, sources: {} } };
    const disabled: Site = { ...site, config: { ...site.config, sources: off.site.config.sources } };
    await releaseRemoved(site, testWork());
    assert.equal((await slots()).length, 1, 'it ships');
    assert.deepEqual(await leftOnServers(site), []);
    const [left] = await leftOnServers(gone);
    assert.match(left?.what ?? '', new RegExp(`the slot ${slotName('test', SOURCE)} on ${server.socket}`));
    assert.match(left?.remedy ?? '', /SELECT pg_drop_replication_slot\('mosaic_logs_db_[0-9a-f]{8}'\);/);
    await server.stop();
    await releaseRemoved(gone, testWork());
    assert.equal((await leftOnServers(gone)).length, 1, 'a server that is down keeps it, and it stays on record');
    await server.start();
    await releaseRemoved(disabled, testWork());
    assert.deepEqual(await slots(), []);
    assert.deepEqual(await leftOnServers(gone), []);
    await ship();
    assert.equal(await lostIn(minute - 1), null, 'it was given up, not lost');
  });

  it('slots of our kind that no source has are found as orphans', async () => {
    await ship();
    await server.sql(`SELECT pg_create_physical_replication_slot('${slotName('test', 'old')}', true)`);
    const context = logsSource({ site, source: SOURCE, work: testWork() });
    const found = await logsOf('postgres')?.orphans?.(context, [SOURCE]);
    assert.deepEqual(
      found?.map(({ code }) => code),
      ['postgres.slot-orphan'],
    );
    assert.match(found?.[0]?.remedy ?? '', /SELECT pg_drop_replication_slot\('mosaic_logs_old_/);
    assert.deepEqual(await logsOf('postgres')?.orphans?.(context, [SOURCE, 'old']), []);
  });

  /** What the tick of a round has to tell of its slot. */
  function lostIn(round: number): Promise<string | null> {
    return slotLostIn({ site, source: SOURCE, runId: `logs-${timeOf(round)}` });
  }

  async function standingOf(): Promise<ServerStanding> {
    const found = await logsOf('postgres')?.standing(logsSource({ site, source: SOURCE, work: testWork() }));
    assert.ok(found);
    return found;
  }

  it('P06 ships in steps what its disk has no room for at once, and says when there is room for nothing', async () => {
    await withSmallDisk(160, async (state) => {
      site = { ...site, state };
      await ship();
      for (let round = 0; round < 9; round++) {
        await server.sql(`INSERT INTO t VALUES (${round}, 'x')`);
        await server.sql('SELECT pg_switch_wal()');
      }
      const before = Date.now() - 1000;
      let steps = 0;
      await until('all of it is shipped', async () => {
        const found = await ship();
        steps += 1;
        assert.equal(found?.gap, null);
        // Until the last, nobody may rely on a time.
        return found?.coversUntil !== null && Date.parse(found?.coversUntil ?? '') > before;
      });
      assert.ok(steps > 2, `${steps} steps`);
      await assertWhole();
      assert.equal((await received()).length, 1);
      // With what was received before the disk was full, and without any.
      await server.sql("SELECT pg_create_restore_point('x'), pg_switch_wal()");
      await writeFile(path.join(state, 'filler'), Buffer.alloc(80 * 2 ** 20));
      const full = await isBackupError(ship(), 'no-space');
      assert.match(full.message, /are needed to receive logs. The server keeps them/);
      assert.ok(full.remedy);
      await rm(path.join(state, 'filler'));
      assert.equal((await ship())?.gap, null);
      await assertWhole();
    });
  }).timeout(120_000);

  it('P06 what was received before its disk was full is sealed, and makes room', async () => {
    await withSmallDisk(160, async (state) => {
      site = { ...site, state };
      await ship();
      await server.sql(`INSERT INTO t VALUES (1, 'x')`);
      await server.sql('SELECT pg_switch_wal()');
      made = { ...made, site, file: await fileWith(made.file, state) };
      await shipKilled('activities/sources/postgres/logs/pack.ts#pack');
      assert.ok((await received()).length > 1);
      await writeFile(path.join(state, 'filler'), Buffer.alloc(70 * 2 ** 20));
      const found = await ship();
      assert.equal(found?.gap, null);
      assert.ok((await received()).length <= 1);
      await assertWhole();
    });
  });

  /** A config with another state folder, for a process of its own. */
  async function fileWith(file: string, state: string): Promise<string> {
    const text = await readFile(file, 'utf8');
    const changed = `${file}.small.yaml`;
    await writeFile(changed, text.replace(/^("?state"?: ).*$/m, `$1${JSON.stringify(state)}`), { mode: 0o600 });
    assert.notEqual(await readFile(changed, 'utf8'), text);
    return changed;
  }

  it('P07 refuses another segment of a sealed name, and leaves the sealed one', async () => {
    await ship();
    await ship();
    const [, newest] = await shipped();
    assert.ok(newest);
    const folder = path.join(site.repository, 'logs', SOURCE, newest[0].scheduled.slice(0, 10), newest[0].id);
    const sealed = await readFile(path.join(folder, 'wal.tar.zst.age'));
    const [name = ''] = await received();
    const [generation = ''] = await readdir(path.join(site.state, 'sources', SOURCE, 'received'));
    const file = path.join(site.state, 'sources', SOURCE, 'received', generation, name);
    const content = await readFile(file);
    content[content.length - 1] = 1;
    await writeFile(file, content);
    await isBackupError(ship(), 'conflict');
    assert.deepEqual(await readFile(path.join(folder, 'wal.tar.zst.age')), sealed);
  });

  it('makes no slot that could fill the disk of the server', async () => {
    const folder = await temporaryFolder();
    const unlimited = await startPostgres({ folder, settings: { max_slot_wal_keep_size: '-1' } });
    try {
      const other = await makeSite({ folder, sources: { [SOURCE]: unlimited.config() } });
      site = other.site;
      await isBackupError(ship(), 'preflight-failed');
      assert.deepEqual(await unlimited.sql('SELECT slot_name FROM pg_replication_slots'), []);
      assert.deepEqual(await listed(site), []);
    } finally {
      await unlimited.stop();
    }
  });
});
