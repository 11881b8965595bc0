/** Incremental backups of PostgreSQL 18: chains of them, what breaks a chain, and what a chain restores to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import { restoreBackup } from '../../../../activities/operations/restore.ts';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { startServer } from '../../../../activities/sources/postgres/server.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import type { BackupReader } from '../../../../activities/sources/types.ts';
import type { Site } from '../../../../activities/site.ts';
import type { Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { parseTarget } from '../../../../model/target.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { makeJournal, REPLAY, startLoad } from '../../../support/journal.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture as captureAt, chainFor, listed, prove, reader, restoreTo, ship, SOURCE } from './backups.ts';
import { scheduledTimes } from '../../../support/scheduled.ts';
import { clockOf } from './recoveries.ts';

const SIGNAL_AT = fileURLToPath(new URL('../../../support/signal-at.mjs', import.meta.url));
const CHILD = fileURLToPath(new URL('capture-in-child.ts', import.meta.url));

const replay = z.object({ transactions: z.number(), items: z.number(), accounts: z.number() });

describe('incremental backups of a PostgreSQL 18 source', () => {
  let folder: string;
  let server: TestPostgres;
  let made: TestSite;
  let site: Site;
  const scheduled = scheduledTimes();
  let folders = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, major: 18, settings: { summarize_wal: 'on', synchronous_commit: 'on' } });
    made = await makeSite({ folder, sources: { [SOURCE]: server.config('socket', { check: {} }) } });
    ({ site } = made);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY)');
  });
  afterEach(() => server?.stop('immediate'));
  after(cleanUp);

  const capture = () => captureAt(site, scheduled());

  async function newest(): Promise<Catalogued> {
    const backups = (await listed(site)).filter(({ manifest }) => manifest.kind !== 'logs');
    const last = backups.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
    assert.ok(last);
    return last;
  }

  /** Starts a restored folder and asks it; stops it again. */
  async function ask<Row>(data: string, schema: z.ZodType<Row>, text: string): Promise<readonly Row[]> {
    const { signal } = testWork();
    const runtime = await temporaryFolder();
    const binaries = server.binaries.folder;
    const restored = await startServer({ data, binaries, superuser: 'postgres', runtime, isolated: true, signal });
    try {
      const connection = { ...restored.connection, database: 'postgres' };
      return await withSession(connection, { application: 'test', signal }, async (session) => {
        await session.run("SET search_path = 'public'");
        return session.rows(schema, text);
      });
    } finally {
      await restored.stop();
    }
  }

  async function idsIn(data: string): Promise<readonly number[]> {
    return (await ask(data, z.object({ id: z.number() }), 'SELECT id FROM t ORDER BY id')).map(({ id }) => id);
  }

  async function restoredIds(): Promise<readonly number[]> {
    const to = path.join(folder, `restored-${folders++}`);
    await restoreTo(site, await newest(), to);
    return idsIn(to);
  }

  const stateFolder = () => path.join(site.state, 'sources', SOURCE);

  async function parents(): Promise<readonly string[]> {
    return (await readdir(stateFolder())).filter((name) => name.endsWith('.backup_manifest'));
  }

  /** Fails unless the next backup is a full that says why, and the one after it an incremental again. */
  async function expectFull(why: RegExp): Promise<void> {
    const { kind, warnings } = await capture();
    assert.equal(kind, 'full');
    assert.match(warnings.join('\n'), why);
    assert.equal((await capture()).kind, 'incremental');
  }

  it('P01 a full and two incrementals, taken under write load, restore to what the source was', async () => {
    await makeJournal(server);
    await server.sql('CREATE TABLE goes AS SELECT i FROM generate_series(1, 5000) AS i');
    const load = startLoad(server);
    assert.equal((await capture()).kind, 'full');
    await server.sql('DROP TABLE goes; CREATE TABLE comes AS SELECT i FROM generate_series(1, 5000) AS i');
    assert.equal((await capture()).kind, 'incremental');
    await server.sql('TRUNCATE comes');
    await server.sql('VACUUM FULL items');
    const before = load.count();
    assert.equal((await capture()).kind, 'incremental');
    await load.stop();
    const backup = await newest();
    assert.equal((await chainFor(site, backup)).length, 3);
    assert.equal((await parents()).length, 1);
    const data = path.join(folder, 'restored');
    await restoreTo(site, backup, data);
    const [row] = await ask(data, replay, REPLAY);
    assert.ok(row && row.transactions >= before && before > 100);
    assert.deepEqual([row.items, row.accounts], [0, 0]);
    assert.deepEqual(
      (await readdir(data)).filter((name) => name.includes('mosaic')),
      [],
    );
    const checks = await prove(site, backup, path.join(folder, 'proof'));
    // The programs of version 18 that the tests have come without amcheck.
    for (const [name, { compared, ok, detail }] of checks)
      assert.ok(name === 'amcheck' || (compared && ok), `${name}: ${detail}`);
  });

  it('P01 a weekly is a full in the middle of a chain, and the next daily builds on it', async () => {
    assert.equal((await capture()).kind, 'full');
    assert.equal((await capture()).kind, 'incremental');
    await server.sql('INSERT INTO t VALUES (1)');
    assert.equal((await captureAt(site, scheduled(), testWork(), 1, 'weekly')).kind, 'full');
    await server.sql('INSERT INTO t VALUES (2)');
    assert.equal((await capture()).kind, 'incremental');
    const last = await newest();
    assert.match(last.manifest.parent?.reference ?? '', /^weekly\//);
    const to = path.join(folder, 'weekly');
    await restoreTo(site, last, to);
    const ids = await ask(to, z.object({ id: z.number() }), 'SELECT id FROM t ORDER BY id');
    assert.deepEqual(ids, [{ id: 1 }, { id: 2 }]);
  });

  it('makes a full after as many incrementals as the config says', async () => {
    const limited = server.config('socket', { incrementals: 1 });
    const own = path.join(folder, 'limited');
    await mkdir(own);
    ({ site } = await makeSite({ folder: own, sources: { [SOURCE]: limited } }));
    const kinds: string[] = [];
    for (let turn = 0; turn < 3; turn += 1) kinds.push((await capture()).kind);
    assert.deepEqual(kinds, ['full', 'incremental', 'full']);
  });

  for (const point of [
    'activities/operations/attempt.ts#signAndSeal',
    'activities/sources/postgres/incremental/parents.ts#sweepParents',
  ]) {
    it(`goes on rightly when the worker is killed with SIGKILL at ${path.basename(point)}`, async () => {
      await capture();
      await server.sql('INSERT INTO t VALUES (1)');
      const reached = path.join(folder, 'reached');
      const args = ['--import', SIGNAL_AT, CHILD, made.file, scheduled()];
      // sweepParents is called at the beginning too; what counts is the call after the seal.
      const nth = point.endsWith('sweepParents') ? '2' : '1';
      const env = { ...process.env, SIGNAL_AT: point, SIGNAL_ONCE: reached, SIGNAL_NTH: nth };
      const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
      assert.equal(signal, 'SIGKILL');
      await server.sql('INSERT INTO t VALUES (2)');
      const { kind, warnings } = await capture();
      assert.equal(kind, 'incremental', warnings.join('\n'));
      assert.deepEqual(await restoredIds(), [1, 2]);
      assert.equal((await parents()).length, 1);
    });
  }

  it('makes a full with a warning when state is lost', async () => {
    await capture();
    await rm(stateFolder(), { recursive: true });
    await expectFull(/the backup_manifest of .*-full is not in .* any more/);
  });

  it('makes a full with a warning when the kept backup_manifest is not its parent’s', async () => {
    await capture();
    const [name = ''] = await parents();
    const file = path.join(stateFolder(), name);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"Size": 8192', '"Size": 8193'));
    await expectFull(/is not in .* any more/);
  });

  it('makes a full with a warning when WAL summaries are gone', async () => {
    await capture();
    await server.sql('INSERT INTO t VALUES (1)');
    await server.sql('CHECKPOINT');
    await capture();
    await server.sql('INSERT INTO t VALUES (2)');
    await server.sql('CHECKPOINT');
    await server.sql('SELECT pg_sleep(1)');
    const summaries = path.join(server.data, 'pg_wal', 'summaries');
    for (const file of await readdir(summaries)) await rm(path.join(summaries, file));
    const { kind, warnings } = await capture();
    assert.deepEqual([kind, /no WAL summary from/.test(warnings.join('\n'))], ['full', true], warnings.join('\n'));
    assert.deepEqual(await restoredIds(), [1, 2]);
  });

  it('makes a full with a warning on another timeline', async () => {
    await capture();
    await server.stop();
    await writeFile(path.join(server.data, 'recovery.signal'), '');
    await writeFile(path.join(server.data, 'postgresql.auto.conf'), "restore_command = 'false'\n");
    await server.start();
    for (let turn = 0; turn < 100; turn += 1) {
      const [row] = await server.sql('SELECT pg_is_in_recovery() AS recovers, pg_sleep(0.1)');
      if (row?.['recovers'] === false) break;
    }
    await server.sql('CHECKPOINT');
    await expectFull(/the server is on timeline 2 now, and was on 1/);
  });

  it('makes a full with a warning when another cluster answers', async () => {
    await capture();
    const own = path.join(folder, 'other');
    await mkdir(own);
    const other = await startPostgres({ folder: own, major: 18, settings: { summarize_wal: 'on' } });
    try {
      site = { ...site, config: { ...site.config, sources: { [SOURCE]: other.source() } } };
      await expectFull(/the server is another cluster/);
    } finally {
      await other.stop('immediate');
    }
  });

  async function readers(): Promise<readonly BackupReader[]> {
    const chain = await chainFor(site, await newest());
    return Promise.all(chain.map((member) => reader(site, member)));
  }

  async function restoreReaders(chain: readonly BackupReader[]): Promise<void> {
    const scratch = path.join(folder, `scratch-${folders++}`);
    await mkdir(scratch);
    await postgres.restore({ source: SOURCE, work: testWork(), chain, scratch, paths: [] });
  }

  it('refuses members that lack or stand in another order before anything is fetched', async () => {
    for (let turn = 0; turn < 3; turn += 1) await capture();
    const [full, first, second] = (await readers()).map(unfetchable);
    assert.ok(full && first && second);
    for (const chain of [[full, second], [full, second, first], [first, second], [second]]) {
      const { message } = await isBackupError(restoreReaders(chain), 'verification-failed');
      assert.match(message, /no chain/);
    }
  });

  it('P10 refuses a chain whose middle member is damaged, and combines nothing', async () => {
    for (let turn = 0; turn < 3; turn += 1) await capture();
    const [full, first, second] = await readers();
    assert.ok(full && first && second);
    const damaged: BackupReader = {
      ...first,
      async into(role, name, consumer) {
        await first.into(role, name, consumer);
        const into = consumer.args.find((arg) => arg.startsWith('--directory='))?.slice('--directory='.length) ?? '';
        const file = path.join(into, 'global', 'pg_filenode.map');
        const bytes = await readFile(file);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        await writeFile(file, bytes);
      },
    };
    const { message, facts } = await isBackupError(restoreReaders([full, damaged, second]), 'verification-failed');
    assert.match(message, /not what was backed up/);
    assert.match(String(facts['stderr']), /checksum mismatch for file "global\/pg_filenode\.map"/);
  });

  it('P02 recovers from an incremental to a time', async () => {
    await capture();
    await ship(site, scheduled());
    await server.sql('INSERT INTO t VALUES (1)');
    await capture();
    await server.sql('INSERT INTO t VALUES (2)');
    const at = await clockOf(server);
    await server.sql('INSERT INTO t VALUES (3)');
    await ship(site, scheduled());
    const target = parseTarget(at);
    const plan = planRecovery({ catalogue: await listed(site), source: SOURCE, target });
    assert.equal(plan.chain.length, 2);
    const to = path.join(folder, 'as-it-was');
    const store = repositoryStore(site.repository);
    await restoreBackup({ site, store, chain: plan.chain, replay: plan, to, paths: [], work: testWork() });
    assert.deepEqual(await idsIn(to), [1, 2]);
  });

  it('P09 restores a chain of a server with tablespaces elsewhere', async () => {
    const production = path.join(folder, 'fast');
    await mkdir(production, { mode: 0o700 });
    const user = await serverUser();
    if (user) await chown(production, user.uid, user.gid);
    await server.sql(`CREATE TABLESPACE fast LOCATION '${production}'`);
    await server.sql('CREATE TABLE far TABLESPACE fast AS SELECT i FROM generate_series(1, 5000) AS i');
    assert.equal((await capture()).kind, 'full');
    await server.sql('DELETE FROM far WHERE i > 4000');
    assert.equal((await capture()).kind, 'incremental');
    await server.stop();
    await rm(production, { recursive: true });
    const to = path.join(folder, 'elsewhere');
    await restoreTo(site, await newest(), to);
    const rows = await ask(to, z.object({ rows: z.number() }), 'SELECT count(*)::int AS rows FROM far');
    assert.deepEqual(rows, [{ rows: 4000 }]);
    await server.start();
  });
});

function unfetchable(member: BackupReader): BackupReader {
  return { ...member, into: () => assert.fail('something was fetched') };
}
