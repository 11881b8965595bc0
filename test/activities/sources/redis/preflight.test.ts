import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { command } from '../../../../activities/sources/redis/client.ts';
import { backupConnection } from '../../../../activities/sources/redis/connection.ts';
import { redis } from '../../../../activities/sources/redis/index.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Finding } from '../../../../model/finding.ts';
import type { RedisSource } from '../../../../model/config/source.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startRedis, USERS, type Method, type TestRedis } from '../../../support/redis.ts';
import { withSmallDisk } from '../../../support/small-disk.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';

const METHODS = ['stream', 'save', 'aof'] as const satisfies readonly Method[];

describe('preflight of a Redis source', () => {
  let folder: string;
  let server: TestRedis;

  const readSecret = async (secret: object): Promise<string> => {
    if (!('file' in secret) || typeof secret.file !== 'string') throw new Error('only files here');
    return (await readFile(secret.file, 'utf8')).trimEnd();
  };

  function preflight(config: RedisSource): Promise<readonly Finding[]> {
    return redis.preflight({ source: 'cache', config, work: testWork(), readSecret, state: folder });
  }

  async function codes(config: RedisSource): Promise<readonly string[]> {
    return (await preflight(config)).filter(({ severity }) => severity !== 'info').map(({ code }) => code);
  }

  /** Changes something as the default user, looks, and changes it back. */
  async function during<Result>(
    change: readonly string[],
    back: readonly string[],
    look: () => Promise<Result>,
  ): Promise<Result> {
    await server.run(...change);
    try {
      return await look();
    } finally {
      await server.run(...back);
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
    const own = path.join(folder, 'server');
    await mkdir(own);
    server = await startRedis({ folder: own, tcp: true, settings: { appendonly: 'yes', save: '3600 1' } });
    await server.run('SET', 'secret', 'word');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  it('the least-privilege user of each method suffices, by socket and by TCP, and can read no key and change no setting', async () => {
    for (const method of METHODS) {
      const tcp = { host: '127.0.0.1', port: server.port, user: USERS[method], password: { file: server.password } };
      assert.deepEqual(await codes(server.source(method)), [], method);
      assert.deepEqual(await codes(server.source(method, { connection: tcp })), [], method);
      const asking = {
        connection: await backupConnection(server.source(method), readSecret),
        signal: testWork().signal,
      };
      const forbidden = [
        ['GET', 'secret'],
        ['SET', 'secret', 'other'],
        ['CONFIG', 'SET', 'save', ''],
        ['CONFIG', 'GET', 'requirepass'],
        ['ACL', 'LIST'],
        ['FLUSHALL'],
        ['SHUTDOWN', 'NOSAVE'],
      ];
      for (const words of forbidden) {
        await assert.rejects(command(asking, words), failure('access-denied', /ACL SETUSER/), words.join(' '));
      }
    }
  });

  it('begins no save and no transfer by looking at rights', async () => {
    const before = await server.info();
    for (const method of METHODS) await preflight(server.source(method));
    const after = await server.info();
    assert.equal(after.persistence.saves, before.persistence.saves);
    assert.equal(after.persistence.saving, false);
    assert.doesNotMatch(await readFile(path.join(folder, 'server', 'run', 'server.log'), 'utf8'), /BGSAVE|transfer/);
  });

  const rights: readonly (readonly [Method, string])[] = [
    ['stream', 'sync'],
    ['stream', 'replconf'],
    ['save', 'bgsave'],
  ];
  for (const [method, right] of rights) {
    it(`gives the literal command for ${right}, which ${method} lacks`, async () => {
      const user = USERS[method];
      const [finding, ...more] = await during(
        ['ACL', 'SETUSER', user, `-${right}`],
        ['ACL', 'SETUSER', user, `+${right}`],
        async () => (await preflight(server.source(method))).filter(({ severity }) => severity === 'error'),
      );
      assert.equal(finding?.code, `redis.acl-${right}`);
      assert.match(finding.remedy ?? '', new RegExp(`ACL SETUSER ${user} \\+${right}`));
      assert.deepEqual(more, []);
    });
  }

  it('asks the server for names where the user may, else wants them in the config', async () => {
    const { names: _names, ...unknown } = server.source();
    assert.deepEqual(await codes(unknown), ['redis.names']);
    const user = USERS.stream;
    const granted = () => codes(unknown);
    assert.deepEqual(
      await during(['ACL', 'SETUSER', user, '+config|get'], ['ACL', 'SETUSER', user, '-config|get'], granted),
      [],
    );
  });

  it('finds that the data folder cannot be seen, for the methods that read it', async () => {
    const missing = path.join(folder, 'missing');
    for (const method of ['save', 'aof'] as const) {
      const findings = await preflight(server.source(method, { folder: missing }));
      const finding = findings.find(({ severity }) => severity === 'error');
      assert.equal(finding?.code, 'redis.folder');
      assert.match(finding.message, new RegExp(missing));
      const { folder: _folder, ...without } = server.source(method);
      assert.deepEqual(await codes(without), ['redis.folder']);
    }
    assert.deepEqual(await codes(server.source('stream', { folder: missing })), []);
  });

  it('says where nobody sees the disk of the server: it is seen by its folder in the config, or where the server stands in what it says', async () => {
    const found = async (config: RedisSource) => (await preflight(config)).map(({ code }) => code);
    assert.ok((await found(server.source())).includes('redis.space-unseen'));
    assert.ok(!(await found(server.source('stream', { folder: server.data }))).includes('redis.space-unseen'));
    const missing = path.join(folder, 'missing');
    assert.ok((await found(server.source('stream', { folder: missing }))).includes('redis.space-unseen'));
    const asked = () => found(server.source());
    const user = USERS.stream;
    const told = await during(['ACL', 'SETUSER', user, '+config|get'], ['ACL', 'SETUSER', user, '-config|get'], asked);
    assert.ok(!told.includes('redis.space-unseen'), told.join());
    // As where it runs in a container: what it calls so is another folder here.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', server.data]);
    try {
      const other = await during(
        ['ACL', 'SETUSER', user, '+config|get'],
        ['ACL', 'SETUSER', user, '-config|get'],
        asked,
      );
      assert.ok(other.includes('redis.space-unseen'), other.join());
    } finally {
      execFileSync('umount', ['--lazy', server.data]);
    }
  });

  it('warns where less is free on its disk than a save would write', async () => {
    await withSmallDisk(8, async (disk) => {
      await chmod(disk, 0o755);
      const config = server.source('stream', { folder: disk });
      assert.deepEqual(await codes(config), []);
      await writeFile(path.join(disk, 'filler'), Buffer.alloc(7.5 * 2 ** 20));
      const finding = (await preflight(config)).find(({ severity }) => severity === 'warning');
      assert.equal(finding?.code, 'redis.space');
      assert.match(
        finding.message,
        new RegExp(`${disk} has .* free, and the data take .*: the next save or rewrite may fail`),
      );
    });
  });

  it('finds a server without append-only files, and that the RPO objective cannot be met', async () => {
    const objectives = { rpo: '10m' };
    const on = await preflight(server.source('stream', { objectives }));
    assert.match(
      on.find(({ code }) => code === 'redis.rpo')?.message ?? '',
      /10m holds for a crash of the server only/,
    );
    await during(['CONFIG', 'SET', 'appendonly', 'no'], ['CONFIG', 'SET', 'appendonly', 'yes'], async () => {
      const off = await preflight(server.source('stream', { objectives }));
      const finding = off.find(({ code }) => code === 'redis.rpo');
      assert.equal(finding?.severity, 'warning');
      assert.match(finding.message, /10m cannot be met/);
      assert.match(finding.remedy ?? '', /appendonly yes/);
      assert.deepEqual(await codes(server.source('aof')), ['redis.no-aof']);
    });
  });

  it('finds a save that failed last', async () => {
    await until('no child is at work', async () => !(await server.info()).persistence.rewriting);
    await chmod(server.data, 0o500);
    try {
      await server.run('BGSAVE');
      await until('the save has ended', async () => !(await server.info()).persistence.saving);
      const finding = (await preflight(server.source())).find(({ code }) => code === 'redis.save-failed');
      assert.equal(finding?.severity, 'warning');
      assert.match(finding.remedy ?? '', /BGSAVE/);
    } finally {
      await chmod(server.data, 0o700);
      await server.run('BGSAVE');
      await until('a save has succeeded', async () => (await server.info()).persistence.saveOk);
    }
  });

  it('says that configuration and users are not in the data', async () => {
    const finding = (await preflight(server.source())).find(({ code }) => code === 'redis.config-outside');
    assert.match(finding?.message ?? '', /redis\.conf/);
    assert.match(
      finding?.remedy ?? '',
      new RegExp(`Add ${path.join(folder, 'server')} to the paths of a files source`),
    );
  });

  it('tells a wrong password, a missing one and an unknown user as access-denied, and never goes on as the default user', async () => {
    const wrong = path.join(folder, 'wrong');
    await writeFile(wrong, 'not the password');
    const { connection } = server.source();
    const { password: _password, ...without } = connection;
    for (const other of [{ ...connection, password: { file: wrong } }, without, { ...connection, user: 'nobody' }]) {
      for (const method of METHODS) {
        const config = { ...server.source(method), connection: other };
        await assert.rejects(preflight(config), failure('access-denied', /infra\/roles\/redis\.acl/));
      }
    }
  });

  it('does not take the password of the environment of the worker', async () => {
    const { user: _user, password: _password, ...connection } = server.source().connection;
    process.env['REDISCLI_AUTH'] = 'of somebody else';
    try {
      assert.deepEqual(await codes({ ...server.source(), connection }), []);
    } finally {
      delete process.env['REDISCLI_AUTH'];
    }
  });

  it('finds a replica that does not hear its master', async () => {
    const away = ['REPLICAOF', '127.0.0.1', '1'] as const;
    const found = await during(away, ['REPLICAOF', 'NO', 'ONE'], () => codes(server.source()));
    assert.deepEqual(found, ['redis.replica-link']);
  });

  it('tells a server that is down as unreachable, and worth another try', async () => {
    await server.stop();
    try {
      const tcp = { ...server.source().connection, socket: undefined, host: '127.0.0.1', port: server.port };
      for (const config of [server.source(), { ...server.source(), connection: tcp }]) {
        await assert.rejects(preflight(config), (error) => {
          failure('unreachable', /Start the server/)(error);
          return error instanceof BackupError && error.retryable;
        });
      }
    } finally {
      await server.start();
    }
  });
});
