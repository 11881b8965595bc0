import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { logsPosition, type LogsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { slotName } from '../../../../activities/sources/postgres/logs/slot.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
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
    server = await startPostgres({ folder });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config() } });
    ({ site } = made);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
  });
  afterEach(() => server.stop());
  after(cleanUp);

  function scheduled(): string {
    return new Date(Date.UTC(2026, 10, 23, 2, 5 * minute++)).toISOString().replace('.000Z', 'Z');
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
    });
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
    await changeAll(1000);
    assert.equal((await ship())?.gap, null);
  });

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
