import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { postgres } from '../../../../activities/sources/postgres/index.ts';
import { backupConnection, checkConnection } from '../../../../activities/sources/postgres/connection.ts';
import { digestRows } from '../../../../activities/sources/postgres/digests.ts';
import { serverUser } from '../../../../activities/sources/postgres/server-user.ts';
import { withSession } from '../../../../activities/sources/postgres/session.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../../support/postgres.ts';
import { testWork } from '../../../support/work.ts';

describe('preflight of a PostgreSQL source', () => {
  let folder: string;
  let server: TestPostgres;

  const readSecret = async (secret: object): Promise<string> => {
    if (!('file' in secret) || typeof secret.file !== 'string') throw new Error('only files here');
    return (await readFile(secret.file, 'utf8')).trimEnd();
  };

  function preflight(config: PostgresSource) {
    return postgres.preflight({ source: 'db', config, work: testWork(), readSecret, state: folder });
  }

  async function codes(config: PostgresSource = server.source()): Promise<readonly string[]> {
    return (await preflight(config)).filter(({ severity }) => severity !== 'info').map(({ code }) => code);
  }

  /** Changes something as superuser, looks, and changes it back. */
  async function during<Result>(change: string, back: string, look: () => Promise<Result>): Promise<Result> {
    await server.sql(change);
    try {
      return await look();
    } finally {
      await server.sql(back);
    }
  }

  function failure(code: string, remedy: RegExp) {
    return (error: unknown) => {
      assert.ok(error instanceof BackupError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.remedy ?? '', remedy);
      return true;
    };
  }

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, tls: true });
    await server.sql('CREATE TABLE secrets (word text); INSERT INTO secrets VALUES (1)');
  });
  after(async () => {
    await server?.stop('immediate');
    await cleanUp();
  });

  it('P12 the least-privilege role suffices, by socket and by TCP with TLS, and cannot read user tables', async () => {
    for (const how of ['socket', 'tcp'] as const) {
      assert.deepEqual(await codes(server.source(how)), [], how);
      const connection = await backupConnection(server.source(how), readSecret);
      await withSession(connection, { application: 'test', signal: testWork().signal }, async (session) => {
        await assert.rejects(session.rows(z.unknown(), 'SELECT * FROM public.secrets'), failure('access-denied', /./));
        const more = [
          "COPY public.secrets TO '/dev/null'",
          'COPY public.secrets TO STDOUT',
          'INSERT INTO public.secrets VALUES (2)',
          'DROP TABLE public.secrets',
          "SELECT pg_read_file('PG_VERSION')",
          "COPY public.secrets FROM PROGRAM 'true'",
          'CREATE ROLE more',
          "ALTER SYSTEM SET work_mem = '5MB'",
        ];
        for (const statement of more) await assert.rejects(session.run(statement), failure('access-denied', /./));
      });
    }
  });

  it('lets the check role read tables, and write nothing', async () => {
    const connection = await checkConnection(server.source('socket', { check: {} }), readSecret);
    assert.ok(connection);
    await withSession(connection, { application: 'test', signal: testWork().signal }, async (session) => {
      assert.equal((await session.rows(z.unknown(), 'SELECT * FROM public.secrets')).length, 1);
      await assert.rejects(session.run('DELETE FROM public.secrets'));
    });
  });

  it('names a table with row security as unread where the check role may not read past it, and hides no row', async () => {
    await server.sql(
      'CREATE TABLE own (id int); INSERT INTO own VALUES (1); ALTER TABLE own ENABLE ROW LEVEL SECURITY',
    );
    const connection = await checkConnection(server.source('socket', { check: {} }), readSecret);
    assert.ok(connection);
    const read = () => digestRows(connection, ['postgres'], testWork().signal);
    const limited = await during('ALTER ROLE mosaic_check NOBYPASSRLS', 'ALTER ROLE mosaic_check BYPASSRLS', read);
    assert.deepEqual(
      limited.unread.map(({ name }) => name),
      ['own'],
    );
    assert.match(limited.unread[0]?.why ?? '', /row-level security/);
    assert.equal((await read()).tables.find(({ name }) => name === 'own')?.rows, 1);
    await server.sql('DROP TABLE own');
  });

  it('says that rows are not compared where there is no check role', async () => {
    const findings = await preflight(server.source());
    const finding = findings.find(({ code }) => code === 'postgres.check-role');
    assert.match(finding?.message ?? '', /rows are not compared/);
    assert.match(finding?.remedy ?? '', /postgres-check\.sql/);
  });

  it('P13 reports unlogged tables by name, in every database', async () => {
    await server.sql('CREATE DATABASE shop');
    await server.sql('CREATE UNLOGGED TABLE carts (id int)', 'shop');
    const finding = (await preflight(server.source())).find(({ code }) => code === 'postgres.unlogged');
    await server.sql('DROP DATABASE shop');
    assert.equal(finding?.severity, 'warning');
    assert.match(finding.message, /shop\.public\.carts/);
  });

  it('P13 reports missing checksums, with the command that adds them', async () => {
    await setChecksums('--disable');
    const finding = (await preflight(server.source())).find(({ code }) => code === 'postgres.checksums');
    await setChecksums('--enable');
    assert.equal(finding?.severity, 'warning');
    assert.equal(finding.remedy?.includes(`pg_checksums --enable -D ${server.data}`), true);
  });

  async function setChecksums(mode: '--enable' | '--disable'): Promise<void> {
    await server.stop();
    const user = await serverUser();
    const command = path.join(server.binaries.folder, 'pg_checksums');
    await runProgram({ command, args: [mode, '--no-sync', '-D', server.data], ...(user ? { user } : {}) });
    await server.start();
  }

  it('gives the literal SQL for a privilege that is missing', async () => {
    const [replication] = await during(
      'ALTER ROLE mosaic_backup NOREPLICATION',
      'ALTER ROLE mosaic_backup REPLICATION',
      () => preflight(server.source()),
    );
    assert.equal(replication?.remedy, 'ALTER ROLE mosaic_backup REPLICATION;');
    const monitor = await during('REVOKE pg_monitor FROM mosaic_backup', 'GRANT pg_monitor TO mosaic_backup', () =>
      preflight(server.source()),
    );
    assert.ok(
      monitor.some(({ remedy, severity }) => severity === 'error' && remedy === 'GRANT pg_monitor TO mosaic_backup;'),
    );
  });

  it('warns of a database that the role may not look into, and of a check role that may not read', async () => {
    await server.sql('CREATE DATABASE closed');
    await server.sql('REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
    const found = await during(
      'REVOKE pg_read_all_data FROM mosaic_check',
      'GRANT pg_read_all_data TO mosaic_check',
      () => preflight(server.source('socket', { check: {} })),
    );
    await server.sql('DROP DATABASE closed');
    const remedies = found.filter(({ severity }) => severity === 'warning').map(({ remedy }) => remedy);
    assert.deepEqual(remedies, [
      'GRANT CONNECT ON DATABASE closed TO mosaic_backup;',
      'GRANT pg_read_all_data TO mosaic_check;',
    ]);
  });

  it('finds that pg_hba.conf admits to databases, but not to replication', async () => {
    const file = path.join(server.data, 'pg_hba.conf');
    const text = await readFile(file, 'utf8');
    await writeFile(file, `local replication mosaic_backup reject\n${text}`);
    const found = await during('SELECT pg_reload_conf()', 'SELECT pg_reload_conf()', async () => {
      const findings = await preflight(server.source());
      await writeFile(file, text);
      return findings;
    });
    const finding = found.find(({ code }) => code === 'postgres.hba-replication');
    assert.equal(finding?.severity, 'error');
    assert.match(finding.remedy ?? '', /local replication mosaic_backup peer map=mosaic/);
  });

  it('tells a wrong password as access-denied, with what to do', async () => {
    const wrong = path.join(folder, 'wrong');
    await writeFile(wrong, 'not the password');
    const { connection } = server.source('tcp');
    await assert.rejects(
      preflight(server.source('tcp', { connection: { ...connection, password: { file: wrong } } })),
      failure('access-denied', /\\password mosaic_backup/),
    );
    const { password: _password, ...without } = connection;
    await assert.rejects(
      preflight(server.source('tcp', { connection: without })),
      failure('access-denied', /connection\.password/),
    );
  });

  it('holds sslmode to its word', async () => {
    const { connection } = server.source('tcp');
    const using = (changes: object) => server.source('tcp', { connection: { ...connection, ...changes } });
    const { sslrootcert: _ca, sslmode: _mode, ...plain } = connection;
    assert.deepEqual(await codes(server.source('tcp', { connection: plain })), [], 'loopback: whatever there is');
    assert.deepEqual(await codes(using({ sslmode: 'verify-ca' })), []);
    // pg_hba.conf of infra/roles has hostssl lines only.
    await assert.rejects(preflight(using({ sslmode: 'disable' })), failure('access-denied', /hostssl/));
    const other = path.join(folder, 'other.crt');
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=other',
    ];
    await runProgram({ command: 'openssl', args: [...args, '-keyout', `${other}.key`, '-out', other] });
    await assert.rejects(preflight(using({ sslrootcert: other })), failure('access-denied', /sslrootcert/));
    // The right CA, but an address that the certificate does not bear.
    const foreign = { host: '127.0.0.2' };
    await assert.rejects(preflight(using(foreign)), failure('access-denied', /a name that it bears/));
    assert.deepEqual(await codes(using({ ...foreign, sslmode: 'verify-ca' })), []);
  });

  it('tells a server that is down as unreachable, and worth another try', async () => {
    await server.stop();
    try {
      for (const how of ['socket', 'tcp'] as const) {
        await assert.rejects(preflight(server.source(how)), (error) => {
          failure('unreachable', /Start the server/)(error);
          return error instanceof BackupError && error.retryable;
        });
      }
    } finally {
      await server.start();
    }
  });
});
