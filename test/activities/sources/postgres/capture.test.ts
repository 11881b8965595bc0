import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession, type Session } from '../../../../activities/sources/postgres/session.ts';
import type { Site } from '../../../../activities/site.ts';
import { BackupError } from '../../../../model/errors.ts';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeJournal, REPLAY, startLoad } from '../../../support/journal.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, names, onlyBackup, prove, reader, restoreTo, SOURCE } from './backups.ts';

/** Bytes a second at which a capture of these tests takes some seconds. */
const SLOW = '8MiB';

const replay = z.object({ transactions: z.number(), items: z.number(), accounts: z.number() });

describe('capture of a PostgreSQL source', () => {
  let folder: string;
  let server: TestPostgres;

  /** A site of its own, so that no test sees another's backups. */
  async function siteFor(name: string, how: 'socket' | 'tcp', options: object = {}): Promise<TestSite> {
    const own = path.join(folder, name);
    await mkdir(own);
    return makeSite({ folder: own, sources: { [SOURCE]: server.config(how, options) } });
  }

  async function slots(): Promise<readonly unknown[]> {
    return server.sql('SELECT slot_name, temporary FROM pg_replication_slots');
  }

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + 50_000; Date.now() < end; await wait(50)) if (await holds()) return;
    assert.fail(`waited in vain until ${what}`);
  }

  async function nothingLeft(site: Site): Promise<void> {
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await names(site.repository, '.staging'), []);
    assert.deepEqual(await names(site.state, 'spool', SOURCE), []);
  }

  before(async () => {
    folder = await temporaryFolder();
    // So that a checkpoint recycles at once whatever WAL nobody holds.
    const settings = { min_wal_size: '32MB', max_wal_size: '32MB' };
    server = await startPostgres({ folder, tls: true, settings });
    await makeJournal(server);
    await server.sql(`
      CREATE TABLE still (id int PRIMARY KEY, t timestamptz, body text);
      INSERT INTO still SELECT i, now() + i * interval '1 minute', md5(i::text) FROM generate_series(1, 20000) AS i;
      CREATE UNLOGGED TABLE fleeting (id int);
      INSERT INTO fleeting VALUES (1)`);
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('P01 a restore of a backup taken under write load equals the source: tables equal the replay of their journal', async () => {
    const { site } = await siteFor('load', 'socket', { check: {}, limits: { maxRate: '24MiB' } });
    const load = startLoad(server);
    const before = load.count();
    const captured = await capture(site, '2026-03-01T02:00:00Z');
    const during = load.count() - before;
    await load.stop();
    assert.ok(during > 100, `only ${during} transactions while it was captured`);
    assert.deepEqual(await slots(), []);

    const backup = await onlyBackup(site);
    assert.deepEqual(captured.backup.reference, `daily/${SOURCE}/20260301T020000Z-full`);
    assert.match(captured.warnings.join('\n'), /unlogged tables come back empty: postgres\.public\.fleeting/);
    const data = path.join(folder, 'load', 'restored');
    await restoreTo(site, backup, data);
    const [row] = await onRestored(data, (session) => session.rows(replay, REPLAY));
    assert.ok(row);
    const { transactions, items, accounts } = row;
    assert.ok(transactions >= before, 'what was committed before the capture is there');
    assert.deepEqual({ items, accounts }, { items: 0, accounts: 0 });

    const checks = await prove(site, backup, path.join(folder, 'load', 'proof'));
    for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
    assert.match(checks.get('rows')?.detail ?? '', /^4 tables with \d+ rows are equal$/);
  });

  /** Starts what was restored, as a private server, and asks it. */
  async function onRestored<Result>(data: string, ask: (session: Session) => Promise<Result>): Promise<Result> {
    const runtime = await temporaryFolder();
    const { signal } = testWork();
    const restored = await startServer({
      data,
      binaries: server.binaries.folder,
      superuser: 'postgres',
      runtime,
      isolated: true,
      settings: { archive_mode: 'off', fsync: 'off' },
      signal,
    });
    try {
      const connection = { ...restored.connection, database: 'postgres' };
      return await withSession(connection, { application: 'test', signal }, async (session) => {
        await session.run("SET search_path = 'public'");
        return ask(session);
      });
    } finally {
      await restored.stop();
    }
  }

  it('records by TCP with TLS what a restore must know, and says that rows were not compared', async () => {
    const { site } = await siteFor('tcp', 'tcp');
    await capture(site, '2026-03-01T02:00:00Z');
    const { manifest } = await onlyBackup(site);
    const [control] = await server.sql('SELECT system_identifier::text AS id FROM pg_control_system()');
    const { systemId, timeline, startLsn } = manifest.position ?? {};
    assert.deepEqual([systemId, timeline], [control?.['id'], 1]);
    assert.match(String(startLsn), /^[0-9A-F]+\/[0-9A-F]+$/);
    assert.equal(manifest.engine['version'], manifest.tools['pg_basebackup']);
    assert.equal(manifest.engine['dataChecksums'], true);
    assert.equal(manifest.consistency, 'crash');
    const checks = await prove(site, await onlyBackup(site), path.join(folder, 'tcp', 'proof'));
    assert.deepEqual(
      [...checks.values()]
        .filter(({ compared, ok }) => !compared || !ok)
        .map(({ name, compared, detail }) => ({ name, compared, detail })),
      [{ name: 'rows', compared: false, detail: 'rows not compared: the source has no check role' }],
    );
  });

  it('notices what differs from the source: a table, a damaged index', async () => {
    const { site } = await siteFor('differs', 'socket', { check: {} });
    await capture(site, '2026-03-01T02:00:00Z');
    const backup = await onlyBackup(site);
    const data = path.join(folder, 'differs', 'restored');
    await restoreTo(site, backup, data);
    const [place] = await onRestored(data, async (session) => {
      await session.run('DROP TABLE accounts');
      return session.rows(z.object({ file: z.string() }), "SELECT pg_relation_filepath('still_pkey') AS file");
    });
    // A leaf: the first page is looked at by every query.
    await flipByte(path.join(data, place?.file ?? ''), 3 * 8192 + 1000);
    const scratch = await temporaryFolder();
    const chain = [await reader(site, backup)];
    const checks = await postgres.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
    const failures = new Map(checks.filter(({ ok }) => !ok).map(({ name, detail }) => [name, detail]));
    assert.deepEqual([...failures.keys()], ['relations', 'rows', 'amcheck']);
    assert.match(failures.get('relations') ?? '', /postgres\.public\.accounts/);
    assert.match(failures.get('rows') ?? '', /^rows not compared: .*this folder stays as it is$/);
    assert.match(failures.get('amcheck') ?? '', /invalid page in block 3/);
  });

  it('P10 a flipped byte in a restored file fails pg_verifybackup before any start', async () => {
    const { site } = await siteFor('flip', 'socket');
    await capture(site, '2026-03-01T02:00:00Z');
    const whole = await reader(site, await onlyBackup(site));
    const scratch = path.join(folder, 'flip', 'scratch');
    await mkdir(scratch);
    const flipped = {
      ...whole,
      into: async (...what: Parameters<typeof whole.into>) => {
        await whole.into(...what);
        await flipByte(path.join(scratch, 'global', '1262'));
      },
    };
    const restored = postgres.restore({ source: SOURCE, work: testWork(), chain: [flipped], scratch, paths: [] });
    await assert.rejects(restored, (error) => {
      assert.ok(error instanceof BackupError);
      assert.equal(error.code, 'verification-failed');
      assert.match(String(error.facts['stderr']), /checksum mismatch for file "global\/1262"/);
      return true;
    });
    await assert.rejects(access(path.join(scratch, 'postmaster.pid')));
  });

  async function flipByte(file: string, at = 1000): Promise<void> {
    const handle = await open(file, 'r+');
    try {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      await handle.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
    } finally {
      await handle.close();
    }
  }

  it('refuses another major version before anything is fetched', async () => {
    const { site } = await siteFor('major', 'socket');
    await capture(site, '2026-03-01T02:00:00Z');
    const whole = await reader(site, await onlyBackup(site));
    const older = {
      ...whole,
      manifest: { ...whole.manifest, engine: { ...whole.manifest.engine, version: '9.6' } },
      into: () => assert.fail('something was fetched'),
    };
    const scratch = path.join(folder, 'major', 'scratch');
    await mkdir(scratch);
    await assert.rejects(
      postgres.restore({ source: SOURCE, work: testWork(), chain: [older], scratch, paths: [] }),
      (error) =>
        error instanceof BackupError &&
        error.code === 'missing-program' &&
        /postgresql-client-9/.test(error.remedy ?? ''),
    );
    const unstarted = await postgres.check({
      source: SOURCE,
      work: testWork(),
      chain: [older],
      restored: scratch,
      scratch,
    });
    assert.ok(unstarted.every(({ compared, ok }) => !compared && !ok));
    assert.match(unstarted[0]?.detail ?? '', /apt-get install postgresql-9/);
  });

  it('publishes nothing when the server is stopped in the middle, and succeeds once it is back', async () => {
    const { site } = await siteFor('stopped', 'socket', { limits: { maxRate: SLOW } });
    const capturing = capture(site, '2026-03-01T02:00:00Z');
    const outcome = capturing.then(
      () => assert.fail('it succeeded'),
      (error: unknown) => error,
    );
    await until('the base backup runs', async () => (await slots()).length > 0);
    await wait(500);
    await server.stop();
    const error = await outcome;
    await server.start();
    assert.ok(error instanceof BackupError, String(error));
    assert.deepEqual([error.code, error.retryable], ['unreachable', true], error.message);
    await nothingLeft(site);
    const again = await capture({ ...site, config: withoutLimits(site) }, '2026-03-01T02:00:00Z', testWork(), 2);
    assert.equal(again.existed, false);
    await onlyBackup(site);
  });

  function withoutLimits(site: Site): Site['config'] {
    return { ...site.config, sources: { [SOURCE]: server.source('socket') } };
  }

  it('keeps WAL that the server would recycle while it is captured', async () => {
    const { site } = await siteFor('recycled', 'socket', { limits: { maxRate: '24MiB' } });
    const capturing = capture(site, '2026-03-01T02:00:00Z');
    capturing.catch(() => undefined);
    await until('pg_basebackup streams', async () => (await senders()) > 0);
    for (let turn = 0; turn < 3; turn += 1) {
      await server.sql('INSERT INTO fleeting VALUES (1); SELECT txid_current()');
      await server.sql('SELECT pg_switch_wal()');
      await server.sql('CHECKPOINT');
    }
    await capturing;
    await onlyBackup(site);
  });

  it('leaves nothing when it is cancelled', async () => {
    const { site } = await siteFor('cancelled', 'socket', { limits: { maxRate: SLOW } });
    const work = testWork();
    const capturing = capture(site, '2026-03-01T02:00:00Z', work);
    capturing.catch(() => undefined);
    await until('the base backup runs', async () => (await slots()).length > 0);
    work.abort();
    await assert.rejects(capturing);
    await until('the slot is gone', async () => (await slots()).length === 0);
    await nothingLeft(site);
  });

  it('releases the slot when the capturing process is killed with SIGKILL, and leaves no child', async () => {
    const { site, file } = await siteFor('killed', 'socket', { limits: { maxRate: SLOW } });
    const script = path.join(import.meta.dirname, 'capture-in-child.ts');
    const child = spawn(process.execPath, [script, file, '2026-03-01T02:00:00Z'], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    await until('the base backup runs', async () => (await slots()).length > 0);
    assert.equal((await slots()).length, 1, 'exactly the bracket');
    await until('pg_basebackup streams', async () => (await senders()) > 0);
    kill(child);
    await exited;
    await until('the slot is gone', async () => (await slots()).length === 0);
    await until('pg_basebackup is gone', async () => (await senders()) === 0);
    assert.deepEqual(await listed(site), []);
    await capture({ ...site, config: withoutLimits(site) }, '2026-03-01T02:00:00Z', testWork(), 2);
    await onlyBackup(site);
  });

  function kill(child: ChildProcess): void {
    child.kill('SIGKILL');
  }

  async function senders(): Promise<number> {
    return (await server.sql("SELECT 1 FROM pg_stat_activity WHERE backend_type = 'walsender'")).length;
  }
});
