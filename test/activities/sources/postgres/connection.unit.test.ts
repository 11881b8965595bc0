import assert from 'node:assert/strict';
import { positionReader } from '../../../../activities/sources/postgres/base-backup.ts';
import {
  backupConnection,
  clientConfig,
  libpqEnvironment,
  sslModeOf,
} from '../../../../activities/sources/postgres/connection.ts';
import { programComplaint, serverError } from '../../../../activities/sources/postgres/errors.ts';
import { openSession } from '../../../../activities/sources/postgres/session.ts';
import { runProgram } from '../../../../activities/streams/run.ts';
import { postgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { isBackupError } from '../../../support/errors.ts';
import { testWork } from '../../../support/work.ts';

function connectionOf(options: object) {
  return postgresSource.parse({ type: 'postgres', connection: options }).connection;
}

const SECRET = { password: { env: 'SECRET' } };
const readSecret = async () => 'sesame';

describe('the connection of a PostgreSQL source', () => {
  const modes = [
    [{}, 'disable', 'a socket has no TLS'],
    [{ host: '/tmp/pg', sslmode: 'verify-full', sslrootcert: '/ca' }, 'disable', 'nor with one configured'],
    [{ host: '127.0.0.1' }, 'prefer', 'loopback takes what there is'],
    [{ host: 'localhost' }, 'prefer', 'by name, too'],
    [{ host: 'db.example' }, 'require', 'nothing crosses a network in clear'],
    [{ host: '10.0.0.5' }, 'require', 'nor to an address'],
    [{ host: 'db.example', sslmode: 'disable' }, 'disable', 'unless it is said'],
    [{ host: 'db.example', sslrootcert: '/ca' }, 'verify-full', 'a CA is there to be used'],
    [{ host: 'db.example', sslmode: 'require', sslrootcert: '/ca' }, 'verify-ca', 'as libpq has it'],
    [{ host: 'db.example', sslmode: 'verify-ca', sslrootcert: '/ca' }, 'verify-ca', 'as said'],
  ] as const;
  for (const [options, mode, why] of modes) {
    it(`means sslmode ${mode} by ${JSON.stringify(options)}: ${why}`, () => {
      assert.equal(sslModeOf(connectionOf(options)), mode);
    });
  }

  it('that fails on cancellation was cancelled: a private server that ends with it says that it is shutting down', async () => {
    const ending = new AbortController();
    const nowhere = await backupConnection(
      postgresSource.parse({ type: 'postgres', connection: { host: '/nonexistent' } }),
      readSecret,
    );
    const opened = openSession(nowhere, { application: 'test', signal: ending.signal });
    ending.abort();
    await isBackupError(opened, 'aborted');
    await isBackupError(openSession(nowhere, { application: 'test', signal: testWork().signal }), 'unreachable');
  });

  it('verifies nothing against a CA that nobody named', () => {
    assert.throws(
      () => sslModeOf(connectionOf({ host: 'db.example', sslmode: 'verify-full' })),
      (error) => error instanceof BackupError && error.code === 'config' && /sslrootcert/.test(error.remedy ?? ''),
    );
  });

  it('is the same for programs and for queries', async () => {
    const config = postgresSource.parse({
      type: 'postgres',
      connection: { host: 'db.example', port: 5433, ...SECRET },
    });
    const connection = await backupConnection(config, readSecret);
    const environment = libpqEnvironment(connection, 'test');
    const client = await clientConfig(connection, { application: 'test' });
    assert.deepEqual(
      [
        environment['PGHOST'],
        environment['PGPORT'],
        environment['PGUSER'],
        environment['PGPASSWORD'],
        environment['PGSSLMODE'],
      ],
      ['db.example', '5433', 'mosaic_backup', 'sesame', 'require'],
    );
    assert.deepEqual(
      [client.host, client.port, client.user, client.password],
      ['db.example', 5433, 'mosaic_backup', 'sesame'],
    );
    // "require" of libpq encrypts and believes any certificate; pg's own would verify it.
    assert.deepEqual(client.ssl, { rejectUnauthorized: false });
  });

  it("is that of the config, whatever libpq finds in the worker's environment", async () => {
    const connection = await backupConnection(postgresSource.parse({ type: 'postgres' }), readSecret);
    process.env['PGSERVICE'] = 'elsewhere';
    try {
      const args = ['-c', 'printf %s "${PGHOST} ${PGSERVICE-none}"'];
      const { stdout } = await runProgram({ command: 'sh', args, env: libpqEnvironment(connection, 'test') });
      assert.equal(stdout, '/run/postgresql none', 'a service would win over the host');
    } finally {
      delete process.env['PGSERVICE'];
    }
  });

  const answers = [
    ['28P01', 'password authentication failed for user "mosaic_backup"', 'access-denied', /\\password mosaic_backup/],
    ['28000', 'no pg_hba.conf entry for host', 'access-denied', /hostssl all mosaic_backup/],
    ['28000', 'role "mosaic_backup" does not exist', 'access-denied', /infra\/roles\/postgres\.sql/],
    ['57P03', 'the database system is starting up', 'unreachable', /Start the server/],
    ['ECONNREFUSED', 'connect ECONNREFUSED', 'unreachable', /Start the server/],
    ['42501', 'permission denied for function x', 'access-denied', /GRANT pg_monitor TO "mosaic_backup"/],
    ['42P01', 'relation "certificate.terminated" does not exist', 'failed', /server log/],
    ['57014', 'canceling statement due to statement timeout', 'unreachable', /Start the server/],
    ['53300', 'remaining connection slots are reserved', 'unreachable', /max_connections/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate', 'access-denied', /sslrootcert/],
    [undefined, 'The server does not support SSL connections', 'access-denied', /ssl = on/],
    [undefined, 'Connection terminated unexpectedly', 'unreachable', /Start the server/],
  ] as const;
  for (const [state, text, code, remedy] of answers) {
    it(`tells "${text}" as ${code}`, async () => {
      const config = postgresSource.parse({ type: 'postgres', connection: { host: 'db.example' } });
      const connection = await backupConnection(config, readSecret);
      const error = serverError(Object.assign(new Error(text), { code: state }), connection);
      assert.equal(error.code, code);
      assert.match(error.remedy ?? '', remedy);
      assert.match(error.message, /db\.example:5432/);
    });
  }

  it('reads the same out of what pg_basebackup prints', async () => {
    const config = postgresSource.parse({ type: 'postgres', connection: {} });
    const connection = await backupConnection(config, readSecret);
    const refused = 'connection to server on socket "/run/postgresql/.s.PGSQL.5432" failed: Connection refused';
    assert.equal(programComplaint(refused, connection)?.code, 'unreachable');
    assert.equal(
      programComplaint('FATAL:  Peer authentication failed for user "x"', connection)?.code,
      'access-denied',
    );
    assert.equal(programComplaint('something else', connection), undefined);
  });
});

describe('the position of a base backup', () => {
  it('is read from the messages of pg_basebackup', () => {
    const reader = positionReader();
    for (const line of [
      'pg_basebackup: initiating base backup, waiting for checkpoint to complete',
      'pg_basebackup: write-ahead log start point: 2A/D9000028 on timeline 3',
      'pg_basebackup: write-ahead log end point: 2B/138',
    ]) {
      reader.onStderr(line);
    }
    assert.deepEqual(reader.position(), { timeline: 3, startLsn: '2A/D9000028', endLsn: '2B/138' });
  });

  it('is not made up when they lack it', () => {
    const reader = positionReader();
    reader.onStderr('pg_basebackup: write-ahead log start point: 0/2000028 on timeline 1');
    assert.throws(reader.position, BackupError);
  });
});
