import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { backupConnection, checkConnection } from '../../../../activities/sources/mariadb/connection.ts';
import { mariadb } from '../../../../activities/sources/mariadb/index.ts';
import { run } from '../../../../activities/sources/mariadb/session.ts';
import type { MariadbSource } from '../../../../model/config/source.ts';
import type { Finding } from '../../../../model/finding.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../../support/mariadb.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { capture, listed, SOURCE } from './backups.ts';

describe('preflight of a MariaDB source', () => {
  let folder: string;
  let server: TestMariadb;

  const readSecret = async (secret: object): Promise<string> => {
    if (!('file' in secret) || typeof secret.file !== 'string') throw new Error('only files here');
    return (await readFile(secret.file, 'utf8')).trimEnd();
  };

  function preflight(config: MariadbSource = server.source()): Promise<readonly Finding[]> {
    return mariadb.preflight({ source: SOURCE, config, work: testWork(), readSecret, state: folder });
  }

  async function codes(config?: MariadbSource): Promise<readonly string[]> {
    return (await preflight(config)).filter(({ severity }) => severity !== 'info').map(({ code }) => code);
  }

  /** Changes something as root, looks, and changes it back. */
  async function during<Result>(change: string, back: string, look: () => Promise<Result>): Promise<Result> {
    await server.sql(change);
    try {
      return await look();
    } finally {
      await server.sql(back);
    }
  }

  before(async () => {
    folder = await temporaryFolder();
    server = await startMariadb({ folder });
    await server.sql(
      'CREATE DATABASE shop; CREATE TABLE shop.secrets (word text); INSERT INTO shop.secrets VALUES (1)',
    );
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('finds nothing wrong with a server as it should be, and says what is not in a backup', async () => {
    assert.deepEqual(await codes(), []);
    const infos = (await preflight()).map(({ code }) => code);
    assert.deepEqual(infos, ['mariadb.config-outside', 'mariadb.check-account', 'mariadb.export-account']);
  });

  it('the least-privilege account reads no row, no hash and no routine, and the check account writes nothing', async () => {
    const { signal } = testWork();
    const backup = await backupConnection(server.source(), readSecret);
    for (const table of ['shop.secrets', 'mysql.global_priv', 'mysql.proc', 'mysql.user']) {
      await isBackupError(run(backup, `SELECT * FROM ${table}`, { signal }), 'access-denied');
    }
    await isBackupError(run(backup, 'SELECT Priv FROM mysql.global_priv', { signal }), 'access-denied');
    const check = await checkConnection(
      server.source({ check: { password: { file: server.passwords.check } } }),
      readSecret,
    );
    assert.ok(check);
    assert.deepEqual(await run(check, 'SELECT * FROM shop.secrets', { signal }), ['1']);
    await isBackupError(run(check, 'DELETE FROM shop.secrets', { signal }), 'access-denied');
  });

  it('names each privilege that lacks, with the statement that gives it', async () => {
    const lacking = [
      ['RELOAD ON *.*', 'RELOAD'],
      ['PROCESS ON *.*', 'PROCESS'],
      ['BINLOG MONITOR ON *.*', 'BINLOG MONITOR'],
      ['LOCK TABLES ON *.*', 'LOCK TABLES'],
      ['SHOW VIEW ON *.*', 'SHOW VIEW'],
      ['SELECT (db, name, type) ON mysql.proc', 'SELECT (db, name, type)'],
    ] as const;
    for (const [privilege, name] of lacking) {
      const found = await during(
        `REVOKE ${privilege} FROM mosaic_backup@localhost`,
        `GRANT ${privilege} TO mosaic_backup@localhost`,
        () => preflight().catch((error: unknown) => assert.fail(`${privilege}: ${String(error)}`)),
      );
      const errors = found.filter(({ severity }) => severity === 'error');
      assert.equal(errors.length, 1, privilege);
      assert.match(errors[0]?.message ?? '', new RegExp(`lacks ${name.replaceAll(/[()]/g, '.')}`));
      assert.equal(errors[0]?.remedy, `GRANT ${privilege} TO \`mosaic_backup\`@\`localhost\`;`);
    }
    assert.deepEqual(await codes(), []);
  });

  it('P22 without BINLOG MONITOR the job fails and publishes nothing, also where preflight was passed', async () => {
    const own = path.join(folder, 'p22');
    await mkdir(own);
    const { site } = await makeSite({ folder: own, sources: { [SOURCE]: server.config() } });
    const privilege = 'BINLOG MONITOR ON *.*';
    await during(
      `REVOKE ${privilege} FROM mosaic_backup@localhost`,
      `GRANT ${privilege} TO mosaic_backup@localhost`,
      async () => {
        const refused = await isBackupError(capture(site, '2026-03-01T02:00:00Z'), 'preflight-failed');
        assert.match(refused.remedy ?? '', /GRANT BINLOG MONITOR ON \*\.\* TO/);
      },
    );
    // Lost between preflight and the end of the reading: mariadb-backup finds out last.
    const adapter = mariadb as { preflight: typeof mariadb.preflight };
    const before = adapter.preflight;
    adapter.preflight = async (context) => {
      const findings = await before(context);
      await server.sql(`REVOKE ${privilege} FROM mosaic_backup@localhost`);
      return findings;
    };
    try {
      await isBackupError(capture(site, '2026-03-01T03:00:00Z'), 'access-denied');
    } finally {
      adapter.preflight = before;
      await server.sql(`GRANT ${privilege} TO mosaic_backup@localhost`);
    }
    assert.deepEqual(await listed(site), []);
    assert.deepEqual(await readdir(path.join(site.repository, '.staging')), []);
    assert.deepEqual(await readdir(path.join(site.state, 'sources', SOURCE)), []);
    await capture(site, '2026-03-01T04:00:00Z');
    assert.equal((await listed(site)).length, 1);
  });

  it('warns of settings that make binary logs unreliable, each with its remedy', async () => {
    const found = await during(
      `SET GLOBAL binlog_format = STATEMENT; SET GLOBAL sync_binlog = 0; SET GLOBAL gtid_strict_mode = OFF;
       SET GLOBAL innodb_flush_log_at_trx_commit = 2; SET GLOBAL binlog_expire_logs_seconds = 600`,
      `SET GLOBAL binlog_format = ROW; SET GLOBAL sync_binlog = 1; SET GLOBAL gtid_strict_mode = ON;
       SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL binlog_expire_logs_seconds = 0`,
      preflight,
    );
    const warnings = found.filter(({ severity }) => severity === 'warning');
    assert.deepEqual(
      warnings.map(({ code, remedy }) => [code, /^SET GLOBAL \w+ = \w+;/.exec(remedy ?? '')?.[0]]),
      [
        ['mariadb.binlog-format', 'SET GLOBAL binlog_format = ROW;'],
        ['mariadb.sync-binlog', 'SET GLOBAL sync_binlog = 1;'],
        ['mariadb.gtid-strict-mode', 'SET GLOBAL gtid_strict_mode = ON;'],
        ['mariadb.binlog-expiry', 'SET GLOBAL binlog_expire_logs_seconds = 604800;'],
        ['mariadb.innodb-flush-log-at-trx-commit', 'SET GLOBAL innodb_flush_log_at_trx_commit = 1;'],
      ],
    );
    await server.stop();
    await server.start(['--skip-log-bin']);
    const without = await codes();
    await server.stop();
    await server.start();
    assert.deepEqual(without, ['mariadb.log-bin']);
  });

  it('names tables in memory, which come back empty, and tables without transactions', async () => {
    const tables = 'shop.fleeting (id int) ENGINE = MEMORY; CREATE TABLE shop.old (id int) ENGINE = MyISAM';
    const look = () => preflight();
    const found = await during(`CREATE TABLE ${tables}`, 'DROP TABLE shop.fleeting, shop.old', look);
    const said = new Map(found.map(({ code, severity, message }) => [code, `${severity}: ${message}`]));
    assert.match(said.get('mariadb.memory-tables') ?? '', /^warning: .*shop\.fleeting$/);
    assert.match(said.get('mariadb.non-transactional') ?? '', /^warning: .*can be missing: shop\.old$/);
  });

  it('refuses a data folder that cannot be seen, and tables that lie outside of it', async () => {
    const elsewhere = path.join(folder, 'elsewhere');
    await mkdir(elsewhere);
    await chmod(elsewhere, 0o777);
    const link = path.join(server.data, 'shop', 'linked.MYD');
    await symlink(path.join(elsewhere, 'linked.MYD'), link);
    const linked = await preflight();
    await rm(link);
    const finding = linked.find(({ code }) => code === 'mariadb.data-directory');
    assert.equal(finding?.severity, 'error');
    assert.match(finding.message, /shop\/linked\.MYD/);

    // The isolation of test servers ignores DATA DIRECTORY.
    await server.stop();
    await server.start(['--symbolic-links']);
    const table = `CREATE TABLE shop.far (id int PRIMARY KEY) DATA DIRECTORY = '${elsewhere}'`;
    const far = await during(table, 'DROP TABLE shop.far', () => preflight());
    assert.match(far.find(({ code }) => code === 'mariadb.data-directory')?.message ?? '', /shop\/far\.isl/);
    const parked = `${server.data}.parked`;
    await rename(server.data, parked);
    const unseen = await preflight();
    await rename(parked, server.data);
    const missing = unseen.find(({ code }) => code === 'mariadb.datadir');
    assert.equal(missing?.severity, 'error');
    assert.match(missing.message, /must read the server's data folder .*, and it is not there/);
    assert.match(missing.remedy ?? '', /method: logical/);
  });

  it('wants more privileges for dumps, and names them', async () => {
    const found = await preflight(server.source({ method: 'logical' }));
    const errors = found.filter(({ severity }) => severity === 'error').map(({ remedy }) => remedy);
    assert.deepEqual(
      errors,
      ['SELECT', 'TRIGGER', 'EVENT'].map((name) => `GRANT ${name} ON *.* TO \`mosaic_backup\`@\`localhost\`;`),
    );
  });

  it('says that the check account may not read, and stops no backup for it', async () => {
    const config = server.source({ check: { password: { file: server.passwords.check } } });
    assert.deepEqual(await codes(config), []);
    const found = await during(
      'REVOKE SELECT ON *.* FROM mosaic_check@localhost',
      'GRANT SELECT ON *.* TO mosaic_check@localhost',
      () => preflight(config),
    );
    const finding = found.find(({ code }) => code === 'mariadb.check-account');
    assert.deepEqual(
      [finding?.severity, finding?.remedy],
      ['warning', 'GRANT SELECT ON *.* TO mosaic_check@localhost;'],
    );
  });

  it('tells a wrong password as access-denied, and a server that is down as unreachable and worth another try', async () => {
    const wrong = path.join(folder, 'wrong');
    await writeFile(wrong, 'not the password');
    const { connection } = server.source();
    const denied = await isBackupError(
      preflight(server.source({ connection: { ...connection, password: { file: wrong } } })),
      'access-denied',
    );
    assert.match(denied.remedy ?? '', /ALTER USER mosaic_backup@localhost IDENTIFIED BY/);
    assert.doesNotMatch(JSON.stringify([denied.message, denied.facts]), /not the password/);
    const { password: _password, ...without } = connection;
    await isBackupError(preflight(server.source({ connection: without })), 'access-denied');
    await server.stop();
    const down = await isBackupError(preflight(server.source({ connection })), 'unreachable');
    await server.start();
    assert.equal(down.retryable, true);
    assert.match(down.remedy ?? '', /its socket is/);
  });
});
