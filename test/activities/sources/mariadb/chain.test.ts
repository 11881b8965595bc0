import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { capturePhysical } from '../../../../activities/sources/mariadb/physical.ts';
import type { ArtifactWriter, BackupReader, CaptureContext } from '../../../../activities/sources/types.ts';
import type { MariadbSource } from '../../../../model/config/source.ts';
import type { Manifest } from '../../../../model/manifest.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { processesNaming } from '../../../support/processes.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, contents, listed, newestChain, onRestored, prove, readers, restoreTo, SOURCE } from './backups.ts';
import { makeJournal, replayOf, startLoad } from './journal.ts';

const SCHEMA = `
  USE shop;
  CREATE TABLE orders (id int PRIMARY KEY, total decimal(10, 2), body text);
  CREATE TABLE doomed (id int PRIMARY KEY);
  CREATE TABLE visits (id int PRIMARY KEY, page text) ENGINE = Aria;
  CREATE TABLE old (id int PRIMARY KEY, note text, FULLTEXT (note)) ENGINE = MyISAM;
  INSERT INTO orders SELECT seq, seq / 3, REPEAT(MD5(seq), 10) FROM seq_1_to_5000;
  INSERT INTO doomed SELECT seq FROM seq_1_to_100;
  INSERT INTO visits SELECT seq, CONCAT('/page/', seq) FROM seq_1_to_5000;
  INSERT INTO old SELECT seq, CONCAT('note ', seq) FROM seq_1_to_5000;`;

const FIRST_CHANGES = `
  USE shop;
  ALTER TABLE orders ADD COLUMN paid datetime, ADD INDEX (total), ALGORITHM = COPY;
  UPDATE orders SET paid = '2026-01-01' WHERE id MOD 3 = 0;
  DROP TABLE doomed;
  CREATE TABLE later (id int PRIMARY KEY, body text); INSERT INTO later SELECT seq, MD5(seq) FROM seq_1_to_1000;
  RENAME TABLE visits TO visitors; UPDATE visitors SET page = 'gone' WHERE id < 100;
  ALTER TABLE old ADD COLUMN more int; DELETE FROM old WHERE id > 4000;`;

const SECOND_CHANGES = `
  USE shop;
  TRUNCATE TABLE later; INSERT INTO later VALUES (1, 'again');
  ALTER TABLE orders DROP COLUMN body; OPTIMIZE TABLE orders;
  INSERT INTO orders SELECT seq, seq, NULL FROM seq_6001_to_7000;
  CREATE DATABASE extra; CREATE TABLE extra.t (id int) ENGINE = Aria; INSERT INTO extra.t VALUES (1);
  INSERT INTO visitors VALUES (9000, 'new'); INSERT INTO old VALUES (9000, 'new', 1);`;

describe('a chain of MariaDB backups', () => {
  let folder: string;
  let server: TestMariadb;
  let at = 0;

  /** A site of its own, so that no test sees another's backups. */
  async function siteFor(name: string, options: object = {}): Promise<TestSite> {
    const own = path.join(folder, name);
    await mkdir(own);
    const check = { password: { file: server.passwords.check } };
    return makeSite({ folder: own, sources: { [SOURCE]: server.config({ check, ...options }) } });
  }

  function nextTime(): string {
    at += 1;
    return new Date(Date.UTC(2026, 2, 1, 2, at)).toISOString().replace('.000Z', 'Z');
  }

  async function chainOfTwo(name: string): Promise<TestSite> {
    const made = await siteFor(name);
    for (const value of [1, 2]) {
      await server.sql(`CREATE TABLE IF NOT EXISTS shop.tick (id int); INSERT INTO shop.tick VALUES (${value})`);
      await capture(made.site, nextTime());
    }
    return made;
  }

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql('CREATE DATABASE shop');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('is fuzzy where there are tables without transactions: mariadb-backup does not hold still what two sessions write', async () => {
    const { site } = await siteFor('fuzzy');
    await capture(site, nextTime());
    await server.sql('CREATE TABLE shop.loose (id int) ENGINE = MyISAM');
    await capture(site, nextTime());
    await server.sql('DROP TABLE shop.loose');
    const chain = await newestChain(site);
    assert.deepEqual(
      chain.map(({ manifest }) => manifest.consistency),
      ['crash', 'fuzzy'],
    );
  });

  it('P15 full and two incrementals equal the source: InnoDB, Aria and MyISAM, with DDL between', async () => {
    const { site } = await siteFor('ddl');
    await server.sql(SCHEMA);
    const kinds = [];
    for (const changes of ['', FIRST_CHANGES, SECOND_CHANGES]) {
      await server.sql(changes);
      // What is only in the redo log would come with any backup: so it is all in the pages, and an incremental must have those.
      await server.stop();
      await server.start();
      kinds.push((await capture(site, nextTime())).kind);
    }
    assert.deepEqual(kinds, ['full', 'incremental', 'incremental']);
    const to = path.join(folder, 'ddl', 'restored');
    await restoreTo(site, to);
    const source = await contents(server.connection());
    assert.equal(source.length, 5);
    assert.deepEqual(await onRestored(to, contents), source);
    const checks = await prove(site, path.join(folder, 'ddl', 'proof'));
    for (const [name, { compared, ok, detail }] of checks) assert.ok(compared && ok, `${name}: ${detail}`);
    assert.match(checks.get('rows')?.detail ?? '', /^5 tables with \d+ rows are equal$/);
  });

  it('P15 a weekly is a full in the middle of a chain, and the next daily builds on it', async () => {
    const { site } = await chainOfTwo('weekly');
    await server.sql('INSERT INTO shop.tick VALUES (3)');
    const weekly = await capture(site, nextTime(), testWork(), 1, 'weekly');
    assert.equal(weekly.kind, 'full');
    await server.sql('INSERT INTO shop.tick VALUES (4)');
    const daily = await capture(site, nextTime());
    assert.equal(daily.kind, 'incremental');
    const chain = await newestChain(site);
    assert.deepEqual(
      chain.map(({ name }) => name.tier),
      ['weekly', 'daily'],
    );
    const to = path.join(folder, 'weekly', 'restored');
    await restoreTo(site, to);
    assert.deepEqual(await onRestored(to, contents), await contents(server.connection()));
  });

  it('P15 under write load each member of a chain restores to tables that equal the replay of their journal', async () => {
    const { site } = await siteFor('load');
    await makeJournal(server);
    // Pages are written at once, and checkpoints follow: so incrementals must have the pages, and the redo log the rest.
    await server.sql('SET GLOBAL innodb_max_dirty_pages_pct_lwm = 0; SET GLOBAL innodb_max_dirty_pages_pct = 0');
    const load = startLoad(server);
    await until('the load writes', async () => (await load.count()) > 100);
    const counts: number[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const before = await load.count();
      await capture(site, nextTime());
      counts.push((await load.count()) - before);
    }
    const least = await load.count();
    await capture(site, nextTime());
    await load.stop();
    assert.ok(
      counts.every((count) => count > 20),
      `transactions during the captures: ${counts.join(', ')}`,
    );
    const to = path.join(folder, 'load', 'restored');
    await restoreTo(site, to);
    const { transactions, ...state } = await onRestored(to, replayOf);
    assert.deepEqual(state, { differences: 0, astray: [] });
    assert.ok(transactions >= least, `${transactions} transactions restored, ${least} were committed before`);
    await server.sql('SET GLOBAL innodb_max_dirty_pages_pct = 90; DROP DATABASE ledger');
  }).timeout(120_000);

  it('P16 a restore that is killed in the middle of preparing restores correctly when it is done again', async () => {
    const { site, file } = await chainOfTwo('killed');
    const to = path.join(folder, 'killed', 'restored');
    const script = path.join(import.meta.dirname, 'restore-in-child.ts');
    const child = spawn(process.execPath, [script, file, to], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    const applying = () =>
      processesNaming(path.dirname(to)).some(
        ({ args }) => args[0]?.endsWith('mariadb-backup') && args.some((arg) => arg.startsWith('--incremental-dir=')),
      );
    for (const end = Date.now() + 30_000; !applying(); await wait(2))
      assert.ok(Date.now() < end, 'nothing is prepared');
    child.kill('SIGKILL');
    await exited;
    await until('its children are gone', () => !applying());
    const left = await readdir(path.dirname(to));
    assert.ok(
      left.some((name) => name.startsWith('.restored.restore-')),
      'it was killed in the middle',
    );
    assert.ok(!left.includes('restored'), 'and gave nothing its name');
    await restoreTo(site, to);
    assert.deepEqual(await onRestored(to, contents), await contents(server.connection()));
    assert.deepEqual(
      (await readdir(path.dirname(to))).filter((name) => name.startsWith('.restored')),
      [],
    );
  });

  it('P17 a missing, reordered or foreign incremental is refused before anything is fetched, also where LSNs do not tell', async () => {
    const { site } = await siteFor('order');
    // Nothing is written between them: all begin and end at the same LSN.
    const times = [nextTime(), nextTime(), nextTime()];
    for (const time of times) await capture(site, time);
    const [full, first, second] = await readers(site);
    assert.ok(full && first && second);
    const refuse = async (chain: readonly BackupReader[], reason: RegExp) => {
      const scratch = await temporaryFolder();
      const unread = chain.map((backup) => ({ ...backup, into: () => assert.fail('something was fetched') }));
      const restored = mariadb.restore({ source: SOURCE, work: testWork(), chain: unread, scratch, paths: [] });
      assert.match((await isBackupError(restored, 'verification-failed')).message, reason);
      assert.deepEqual(await readdir(scratch), []);
    };
    await refuse([full, second], /builds on .*, and .*-full comes before it/);
    await refuse([full, second, first], /builds on/);
    await refuse([first, second], /the full that it builds on is missing/);
    await refuse([full, first, first], /builds on/);
    const { site: other } = await siteFor('order-other');
    await capture(other, nextTime());
    const [foreign] = await readers(other);
    assert.ok(foreign);
    await refuse([foreign, first, second], /builds on/);
    // Of the same name, and another one all the same.
    const { site: namesake } = await siteFor('order-namesake');
    await capture(namesake, times[0] ?? '');
    const [same] = await readers(namesake);
    assert.ok(same && same.manifest.id === full.manifest.id);
    await refuse([same, first, second], /builds on/);
    const parent = { reference: 'daily/db/another', sha256: first.manifest.parent?.sha256 ?? '' };
    await refuse([full, { ...first, manifest: { ...first.manifest, parent } }], /builds on daily\/db\/another/);
    const moved = { ...first.manifest, position: { ...first.manifest.position, fromLsn: '1' } };
    await refuse([full, { ...first, manifest: moved }], /begins at LSN 1, and its parent ends at/);
  });

  it('P17 an artifact that is not what its manifest describes is refused', async () => {
    const { site } = await chainOfTwo('swapped');
    const [full, incremental] = await readers(site);
    assert.ok(full && incremental);
    const swapped = { ...incremental, into: (...what: Parameters<BackupReader['into']>) => full.into(...what) };
    const scratch = await temporaryFolder();
    const restored = mariadb.restore({ source: SOURCE, work: testWork(), chain: [full, swapped], scratch, paths: [] });
    assert.match((await isBackupError(restored, 'verification-failed')).message, /not the one that the manifest/);
  });

  it('P18 an LSN folder that is ahead of the last backup is not built upon: a full, with a warning', async () => {
    const { site } = await chainOfTwo('ahead');
    await ahead(path.join(site.state, 'sources', SOURCE));
    const captured = await capture(site, nextTime());
    assert.equal(captured.kind, 'full');
    assert.match(captured.warnings.join('\n'), /a full, though none was due: the LSN folder .* says 9\d+,/);
    const to = path.join(folder, 'ahead', 'restored');
    await restoreTo(site, to);
    assert.deepEqual(await onRestored(to, contents), await contents(server.connection()));
  });

  /** Moves the LSN of the kept folder into the future; gives the folder. */
  async function ahead(state: string): Promise<string> {
    const name = (await readdir(state)).find((each) => each.startsWith('lsn-'));
    assert.ok(name);
    const file = path.join(state, name, 'xtrabackup_checkpoints');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^to_lsn = /m, 'to_lsn = 9').replace(/^last_lsn = /m, 'last_lsn = 9'));
    return path.join(state, name);
  }

  it('P18 a future LSN is refused by capture itself, and what mariadb-backup makes of one is never published', async () => {
    const { site } = await chainOfTwo('future');
    const state = path.join(site.state, 'sources', SOURCE);
    const future = await ahead(state);
    const toLsn = /^to_lsn = (\d+)$/m.exec(await readFile(path.join(future, 'xtrabackup_checkpoints'), 'utf8'))?.[1];
    assert.ok(toLsn);
    const [full, incremental] = (await newestChain(site)).map(({ manifest }) => manifest);
    assert.ok(full && incremental);
    const tampered = { ...incremental, position: { ...incremental.position, toLsn, lastLsn: toLsn } };
    const spool = await temporaryFolder();
    const asked = await contextFor(site, state, [full, tampered], spool);
    const refused = await isBackupError(mariadb.capture(asked), 'failed');
    assert.match(refused.message, /the server is at LSN \d+, before 9\d+ of the last backup/);
    // mariadb-backup itself says "completed OK!" to it.
    const connection = { ...server.connection() };
    const told = capturePhysical(asked, { connection, parent: { folder: future, toLsn }, bytes: 0 });
    assert.match((await isBackupError(told, 'conflict')).message, /from LSN 9\d+ to \d+, where one from 9/);
  });

  /** What an adapter is given, with artifacts that go nowhere. */
  async function contextFor(
    site: TestSite['site'],
    state: string,
    newestChain: readonly Manifest[],
    spool: string,
  ): Promise<CaptureContext<MariadbSource>> {
    const nowhere = { role: 'base', name: 'x', bytes: 0, sha256: '0'.repeat(64), plainBytes: 0 };
    const artifacts: ArtifactWriter = {
      async stream(producer) {
        // As the real one does: stderr line by line, and every exit status counts.
        const [program, ...more] = [producer].flat();
        assert.ok(program && more.length === 0);
        const { stderr } = await runProgram(program);
        for (const line of stderr.split('\n')) program.onStderr?.(line);
        return { ...nowhere, streamed: { ...nowhere, ended: [] } };
      },
      lines: async () => nowhere,
    };
    return {
      source: SOURCE,
      config: server.source(),
      work: testWork(),
      readSecret: site.readSecret,
      state,
      kind: 'incremental',
      tier: 'daily',
      parent: null,
      newestChain,
      attempt: 'test',
      artifacts,
      spool: async () => spool,
    };
  }

  it('makes a full, with a warning, when state has lost the LSN folder, and keeps one folder only', async () => {
    const { site } = await chainOfTwo('lost');
    const state = path.join(site.state, 'sources', SOURCE);
    const folders = async () => (await readdir(state)).filter((name) => name.startsWith('lsn-'));
    assert.equal((await folders()).length, 1);
    for (const name of await folders()) await rm(path.join(state, name), { recursive: true });
    const captured = await capture(site, nextTime());
    assert.equal(captured.kind, 'full');
    assert.match(captured.warnings.join('\n'), /LSN folder of the last backup is not in/);
    assert.equal((await capture(site, nextTime())).kind, 'incremental');
    assert.equal((await folders()).length, 1);
  });

  it('begins a new chain after as many incrementals as the config says', async () => {
    const { site } = await siteFor('length', { incrementals: 1 });
    const kinds = [];
    for (let turn = 0; turn < 3; turn += 1) kinds.push((await capture(site, nextTime())).kind);
    assert.deepEqual(kinds, ['full', 'incremental', 'full']);
    assert.doesNotMatch(
      (await listed(site)).flatMap(({ manifest }) => manifest.warnings.map(({ code }) => code)).join(),
      /mariadb\.full/,
    );
  });

  for (const how of ['into a new folder', 'over the old files'] as const) {
    it(`makes a full of a server whose older data were put back ${how}, though its LSN is ahead again`, async () => {
      const name = how.replaceAll(' ', '-');
      const { site } = await siteFor(name);
      await server.sql('CREATE TABLE IF NOT EXISTS shop.tick (id int); INSERT INTO shop.tick VALUES (0)');
      const older = path.join(folder, name, 'older');
      await server.stop();
      await cp(server.data, older, { recursive: true, preserveTimestamps: true });
      await server.start();
      await server.sql('INSERT INTO shop.tick VALUES (1)');
      await capture(site, nextTime());
      await server.stop();
      await putBack(older, how);
      await server.start();
      await server.sql('USE shop; CREATE OR REPLACE TABLE much AS SELECT seq, REPEAT(MD5(seq), 9) FROM seq_1_to_9000');
      const captured = await capture(site, nextTime());
      assert.equal(captured.kind, 'full');
      assert.match(
        captured.warnings.join('\n'),
        how === 'into a new folder' ? /the data folder is another one/ : /the binary logs do not have/,
      );
      await server.sql('DROP TABLE shop.much');
    });
  }

  async function putBack(older: string, how: string): Promise<void> {
    // Owners as they are, and with "over" the very same inodes, as a rollback of the disk leaves them.
    if (how === 'into a new folder') await rm(server.data, { recursive: true });
    execFileSync('cp', ['-r', '--', `${older}/.`, server.data]);
  }
});
