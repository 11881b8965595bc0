import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { logsPosition, type LogsPosition } from '../../../../activities/sources/postgres/logs/position.ts';
import { slotName } from '../../../../activities/sources/postgres/logs/slot.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { giveTo } from '../../../../activities/sources/private-server/user.ts';
import { preflight } from '../../../../activities/sources/postgres/preflight.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import type { ShippedLogs } from '../../../../model/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { capture, contextOf, listed, names, reader, ship as shipAt, SOURCE } from './backups.ts';
import { clockOf, recoverTo, rowsIn } from './recoveries.ts';
import { documentedCommand, spooled } from './spools.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';

const CHILD = fileURLToPath(new URL('ship-in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../../../support/signal-at.mjs', import.meta.url));

describe('shipping of WAL out of the spool of archive_command', () => {
  let server: TestPostgres;
  let folder: string;
  let spool: string;
  let made: TestSite;
  let site: Site;
  const scheduled = scheduledTimes();
  let folders = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    spool = await temporaryFolder();
    await giveTo(await serverUser(), spool, new AbortController().signal);
    server = await startPostgres({ folder, settings: { archive_mode: 'on' }, segment: 16 });
    await archiveBy(await documentedCommand('DIR'));
    made = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { logs: { spool } }) } });
    ({ site } = made);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(() => server.stop('immediate'));
  after(cleanUp);

  /** Sets archive_command, with `DIR` for the spool. */
  async function archiveBy(command: string): Promise<void> {
    await server.sql(`ALTER SYSTEM SET archive_command = '${command.replaceAll('DIR', spool)}'`);
    await server.sql('SELECT pg_reload_conf()');
  }

  async function rowsAt(at: string): Promise<readonly number[]> {
    const to = path.join(folder, `restored-${folders++}`);
    await recoverTo({ site, to, at });
    return rowsIn(to, server.binaries.folder);
  }

  function ship(): Promise<ShippedLogs | null> {
    return shipAt(site, scheduled());
  }

  async function shipped(): Promise<readonly (readonly [Manifest, LogsPosition])[]> {
    const logs = (await listed(site)).map(({ manifest }) => manifest).filter(({ kind }) => kind === 'logs');
    return logs
      .toSorted((a, b) => a.finished.localeCompare(b.finished))
      .map((manifest) => [manifest, logsPosition.parse(manifest.position)]);
  }

  async function segmentsOf(): Promise<readonly string[]> {
    return (await shipped()).flatMap(([, { segments }]) => Object.keys(segments).toSorted());
  }

  /** Closes segments until the server has archived this many. */
  async function archive(count: number): Promise<readonly string[]> {
    const before = await spooled(spool);
    for (let round = 0; round < count; round++) {
      await server.sql(`INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t`);
      await server.sql('SELECT pg_switch_wal()');
    }
    const fresh = async () => (await spooled(spool)).filter((name) => !before.includes(name));
    await until('segments are archived', async () => (await fresh()).length >= count);
    return fresh();
  }

  const clock = () => clockOf(server);

  it('P02 and P52 a recovery to a time restores through a spool, in an idle tail too; no slot is made', async () => {
    await ship();
    await capture(site, scheduled());
    await server.sql('INSERT INTO t VALUES (1)');
    const between = await clock();
    await server.sql('INSERT INTO t VALUES (2)');
    await archive(2);
    await ship();
    const idle = await clock();
    await ship();
    assert.deepEqual(await spooled(spool), [], 'what is sealed is deleted');
    assert.deepEqual(await server.sql('SELECT slot_name FROM pg_replication_slots'), []);
    const segments = await segmentsOf();
    assert.deepEqual(segments, [...new Set(segments)].toSorted(), 'a segment twice, or out of order');
    assert.deepEqual(await rowsAt(between), [1]);
    assert.deepEqual(await rowsAt(idle), [1, 2, 3, 4]);
    assert.deepEqual(await rowsAt('end'), [1, 2, 3, 4]);
    const isLabel = (name: string) => name.endsWith('.backup');
    assert.deepEqual((await names(spool)).filter(isLabel), []);
    assert.equal((await packed()).filter(isLabel).length, 1, 'the label of the full was shipped as well');
  });

  /** Names of all files that were shipped. */
  async function packed(): Promise<readonly string[]> {
    const into = await temporaryFolder();
    const consumer = { command: 'tar', args: ['--extract', '--file=-', `--directory=${into}`] };
    const logs = (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs');
    for (const each of logs) await (await reader(site, each)).into('wal', 'wal.tar.zst.age', consumer);
    return readdir(into);
  }

  it('takes none that is still being copied, whatever its size, and no temporary file', async () => {
    await ship();
    // A command as many have it: what it writes bears its final name from the first byte on.
    await writeFile(path.join(spool, 'wait'), '');
    await archiveBy('cp "%p" "DIR/%f" && while [ -e DIR/wait ]; do sleep 0.1; done');
    await server.sql('INSERT INTO t VALUES (1)');
    await writeFile(path.join(spool, `.${'0'.repeat(24)}.tmp`), 'begun');
    const error = await isBackupError(ship(), 'unreachable');
    assert.match(error.message, /has not come into the spool: the server has archived [0-9A-F]+ so far/);
    assert.equal((await shipped()).length, 1);
    const [busy = ''] = await spooled(spool);
    assert.equal((await stat(path.join(spool, busy))).size, 16 * 2 ** 20, 'it was whole by its size');
    await rm(path.join(spool, 'wait'));
    const found = await ship();
    assert.equal(found?.gap, null);
    assert.ok((await segmentsOf()).includes(busy));
    assert.deepEqual(await readFile(path.join(spool, `.${'0'.repeat(24)}.tmp`), 'utf8'), 'begun');
  }).timeout(120_000);

  it('takes none that is smaller than a segment', async () => {
    await ship();
    const [first = ''] = await archive(1);
    const held = path.join(folder, 'held');
    await copyFile(path.join(spool, first), held);
    await truncate(path.join(spool, first), 8 * 2 ** 20);
    const before = (await shipped()).length;
    // Behind it there are whole ones: what is missing is a hole, and they are not taken for what follows.
    const found = await ship();
    assert.match(found?.gap ?? '', new RegExp(`hole in the logs`));
    assert.equal((await shipped()).length, before + 1);
    assert.ok(!(await segmentsOf()).includes(first));
    assert.equal((await stat(path.join(spool, first))).size, 8 * 2 ** 20, 'what is not sealed stays');
  });

  for (const point of [
    'activities/sources/postgres/logs/pack.ts#pack',
    'activities/storage/repository.ts#sealBackup',
    'activities/sources/postgres/logs/spool.ts#dropTaken',
  ]) {
    it(`P51 SIGKILL loses no segment of a spool (${point})`, async () => {
      await ship();
      const fresh = await archive(2);
      await shipKilled(point);
      const sealed = await segmentsOf();
      for (const name of fresh)
        assert.ok(
          sealed.includes(name) || (await spooled(spool)).includes(name),
          `${name} is neither sealed nor there`,
        );
      const found = await ship();
      assert.equal(found?.gap, null);
      assert.deepEqual(await spooled(spool), []);
      const segments = await segmentsOf();
      assert.deepEqual(segments, [...new Set(segments)].toSorted());
    });
  }

  /** Ships in a process that kills itself where it comes to a function. */
  async function shipKilled(point: string): Promise<void> {
    const args = ['--import', SIGNAL_AT, CHILD, made.file, scheduled()];
    const env = { ...process.env, SIGNAL_AT: point, SIGNAL_ONCE: path.join(site.state, 'reached') };
    const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
    assert.equal(signal, 'SIGKILL', `it never came to ${point}`);
  }

  it('P07 the same segment again is removed once more, another one of a sealed name is refused and stays', async () => {
    const kept = path.join(folder, 'kept');
    const [first = ''] = await archive(1);
    await copyFile(path.join(spool, first), kept);
    await ship();
    assert.ok((await segmentsOf()).includes(first));
    await copyFile(kept, path.join(spool, first));
    await ship();
    assert.deepEqual(await spooled(spool), []);
    const content = await readFile(kept);
    const [, newest] = (await shipped()).at(-1) ?? assert.fail('nothing was shipped');
    const [name = ''] = Object.keys(newest.segments);
    const artifact = path.join(site.repository, await newestFolder(), 'wal.tar.zst.age');
    const sealed = await readFile(artifact);
    await shipAgain(name, content);
    assert.deepEqual(await readFile(artifact), sealed);
    assert.ok((await spooled(spool)).includes(name), 'nobody knows which one is right: it stays');
  });

  /** Puts a segment of the sealed name into the spool, with the right header and another end. */
  async function shipAgain(name: string, like: Buffer): Promise<void> {
    const content = Buffer.from(like);
    // Where it belongs in the WAL, by its name.
    content.writeBigUInt64LE(BigInt(`0x${name.slice(16)}`) * BigInt(content.length), 8);
    content[content.length - 1] = 7;
    await writeFile(path.join(spool, name), content);
    await isBackupError(ship(), 'conflict');
  }

  async function newestFolder(): Promise<string> {
    const logs = (await listed(site)).filter(({ manifest }) => manifest.kind === 'logs');
    return logs.toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished)).at(-1)?.folder ?? '';
  }

  it('refuses what another cluster, or nobody, wrote', async () => {
    await ship();
    const [first = ''] = await archive(1);
    const file = path.join(spool, first);
    const content = await readFile(file);
    content.writeBigUInt64LE(7n, 24);
    await writeFile(file, content);
    const foreign = await isBackupError(ship(), 'conflict');
    assert.match(foreign.message, /is of another cluster \(7\)/);
    await writeFile(file, Buffer.alloc(content.length));
    const empty = await isBackupError(ship(), 'conflict');
    assert.match(empty.message, /does not hold what its name says/);
    assert.equal((await spooled(spool)).includes(first), true);
  });

  it('P06 a spool that is away, not the one that is filled, or full fails the shipping, and nothing is lost', async () => {
    await ship();
    await rename(spool, `${spool}-away`);
    const away = await isBackupError(ship(), 'unreachable');
    assert.match(away.message, /The spool .* is not there/);
    await until('archive_command has failed', async () => {
      const [row] = await server.sql('SELECT failed_count > 0 AS failed FROM pg_stat_archiver');
      return row?.['failed'] === true;
    });
    // As a mount point without its disk.
    await mkdir(spool, { mode: 0o700 });
    const failing = await isBackupError(ship(), 'failed');
    assert.match(failing.message, /archive_command fails on the server: it could not archive [0-9A-F]{24}/);
    const config = server.source('socket', { logs: { spool } });
    const codes = (await preflight(contextOf(site, config, folder))).map(({ code }) => code);
    assert.ok(codes.includes('postgres.archive-failing'), codes.join());
    await rm(spool, { recursive: true });
    await rename(`${spool}-away`, spool);
    const wanted = (await server.sql('SELECT last_failed_wal AS name FROM pg_stat_archiver'))[0]?.['name'];
    await until('it is archived after all', async () => (await spooled(spool)).includes(String(wanted)));
    assert.equal((await ship())?.gap, null);
    // Somebody else takes what is archived, or another folder is filled.
    await archiveBy('true');
    const taken = await isBackupError(ship(), 'unreachable');
    assert.match(taken.message, /is not the folder that archive_command fills/);
  }).timeout(120_000);

  it('a source that changes from a slot to a spool goes on without a hole, and drops its slot; and back again', async () => {
    const slotted = await makeSite({ folder: await temporaryFolder(), sources: { [SOURCE]: server.config() } });
    const config = site.config;
    site = { ...slotted.site };
    await ship();
    await archive(1);
    await ship();
    const name = slotName('test', SOURCE);
    assert.deepEqual(await server.sql('SELECT slot_name FROM pg_replication_slots'), [{ slot_name: name }]);
    site = { ...slotted.site, config };
    await archive(1);
    assert.equal((await ship())?.gap, null);
    assert.equal((await ship())?.gap, null);
    assert.deepEqual(await server.sql('SELECT slot_name FROM pg_replication_slots'), []);
    const segments = await segmentsOf();
    assert.deepEqual(segments, [...new Set(segments)].toSorted());
    site = { ...slotted.site };
    assert.equal((await ship())?.gap, null, 'the slot begins where the spool has come to');
    assert.deepEqual(await names(slotted.site.state, 'sources', SOURCE, 'slot-lost.json'), []);
  });

  it('says in preflight that nothing is archived', async () => {
    const plain = await startPostgres({ folder: await temporaryFolder() });
    try {
      const config = plain.source('socket', { logs: { spool: path.join(folder, 'nowhere') } });
      const codes = (await preflight(contextOf(site, config, folder))).map(({ code }) => code);
      assert.ok(codes.includes('postgres.archive-mode') && codes.includes('postgres.spool'), codes.join());
      assert.ok(!codes.includes('postgres.slot-limit'));
      const other = await makeSite({
        folder: await temporaryFolder(),
        sources: { [SOURCE]: plain.config('socket', { logs: { spool } }) },
      });
      site = other.site;
      await isBackupError(ship(), 'preflight-failed');
    } finally {
      await plain.stop();
    }
  });
});
