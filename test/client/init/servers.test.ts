/** MariaDB and Redis servers as `init` finds them, on real ones, and what it writes of them. */
import assert from 'node:assert/strict';
import { namedSources } from '../../../model/config/own-source.ts';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSite } from '../../../activities/config/load.ts';
import { command } from '../../../activities/sources/redis/client.ts';
import type { Endpoint, FoundServer } from '../../../client/init/found.ts';
import { initialise } from '../../../client/init/init.ts';
import { findMariadb } from '../../../client/init/mariadb.ts';
import { findRedis } from '../../../client/init/redis.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startMariadb, type TestMariadb } from '../../support/mariadb.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));

describe('init: servers of MariaDB and Redis', () => {
  let mariadb: TestMariadb;
  let redis: TestRedis;
  let sockets: { readonly mariadb: string; readonly redis: string };

  before(async () => {
    const [one, other] = await Promise.all([temporaryFolder(), temporaryFolder()]);
    [mariadb, redis] = await Promise.all([startMariadb({ folder: one }), startRedis({ folder: other, tcp: true })]);
    sockets = { mariadb: mariadb.connection().socket ?? '', redis: redis.socket };
  });

  after(async () => {
    await Promise.all([mariadb.stop(), redis.stop()]);
    await cleanUp();
  });

  /** This test's own servers and no others that run on the machine. */
  function ours(at: Endpoint): boolean {
    return 'socket' in at ? Object.values(sockets).includes(at.socket) : at.port === redis.port;
  }

  it('are found by their processes, whatever their sockets are called, each once', async () => {
    assert.deepEqual(await findMariadb(ours), [
      { type: 'mariadb', at: { socket: sockets.mariadb }, by: 'its process mariadbd' },
    ]);
    // It listens on a port as well: that is the same server.
    assert.deepEqual(await findRedis(ours), [
      { type: 'redis', at: { socket: sockets.redis }, by: 'its process redis-server' },
    ]);
    const byPort = (at: Endpoint) => 'port' in at && ours(at);
    assert.deepEqual(await findRedis(byPort), [
      { type: 'redis', at: { port: redis.port }, by: 'its process redis-server' },
    ]);
  });

  it('stand in a config that is good and holds no password, beside commands that make their accounts', async () => {
    const folder = await temporaryFolder();
    const servers: FoundServer[] = [...(await findMariadb(ours)), ...(await findRedis(ours))];
    const file = path.join(folder, 'etc/config.yaml');
    const where = { repository: path.join(folder, 'repository'), state: path.join(folder, 'state') };
    const made = await initialise({ file, cwd: folder, ...where, servers, folders: [], dryRun: false });
    const { sources } = (await loadSite({ file, env: {} })).config;
    assert.deepEqual(Object.keys(namedSources(sources)), ['mariadb', 'redis']);
    assert.deepEqual(sources['mariadb']?.type === 'mariadb' && sources['mariadb'].connection.password, {
      file: path.join(folder, 'etc/mariadb.password'),
    });
    for (const line of made.text.split('\n'))
      if (!line.trimStart().startsWith('#')) assert.doesNotMatch(line, /password: (?!\{ file: )/);

    const commands = made.text
      .split('\n')
      .flatMap((line) => /^ {2}# {3}((?:mariadb|sed|redis-cli) .*)$/.exec(line)?.[1] ?? []);
    assert.equal(commands.length, 3, commands.join('\n'));
    for (const text of commands) {
      execFileSync('sh', ['-ec', text], {
        cwd: CHECKOUT,
        env: { ...process.env, PASSWORD: 'never written' },
        stdio: 'pipe',
      });
    }
    const connection = { host: '', port: 0, socket: sockets.redis, ca: undefined, user: 'mosaic_backup' };
    const asking = { connection: { ...connection, password: 'never written' }, signal: new AbortController().signal };
    assert.equal(await command(asking, ['PING']), 'PONG');
    assert.equal((await mariadb.sql('SHOW GRANTS FOR mosaic_backup@localhost')).length > 1, true);
  });
});

describe('init: what only looks like a server of MariaDB or Redis', () => {
  after(cleanUp);
  const listeners: Server[] = [];
  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.close();
  });

  async function answering(name: string, says: string): Promise<string> {
    const folder = await temporaryFolder();
    const socket = path.join(folder, name);
    const listener = createServer((connection) => {
      connection.on('error', () => undefined);
      if (says !== '') connection.end(says, 'latin1');
    }).listen(socket);
    listeners.push(listener);
    await once(listener, 'listening');
    return socket;
  }

  const only = (socket: string) => (at: Endpoint) => 'socket' in at && at.socket === socket;

  it('is left out: MySQL, another program, and one that says nothing', async () => {
    for (const [name, says] of [
      ['mysqld.sock', 'J\0\0\0\n8.0.40\0'],
      ['mysqld.sock', ''],
    ] as const)
      assert.deepEqual(await findMariadb(only(await answering(name, says))), [], says);
    for (const says of ['HTTP/1.1 400 Bad Request\r\n', ''])
      assert.deepEqual(await findRedis(only(await answering('redis.sock', says))), [], says);
  });

  it('is one where it speaks as one: behind a name that is usual, or that my.cnf tells', async () => {
    const greeting = 'n\0\0\0\n5.5.5-10.11.6-MariaDB-1\0';
    const usual = await answering('mysqld.sock', greeting);
    assert.deepEqual(await findMariadb(only(usual)), [{ type: 'mariadb', at: { socket: usual }, by: 'its socket' }]);
    const other = await answering('db', greeting);
    assert.deepEqual(await findMariadb(only(other)), []);
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'conf.d'));
    await writeFile(path.join(folder, 'conf.d', '50-server.cnf'), `[mariadbd]\nsocket = ${other} # here\n`);
    const configs = [path.join(folder, 'conf.d'), '/nowhere/my.cnf'];
    assert.deepEqual(await findMariadb(only(other), configs), [
      { type: 'mariadb', at: { socket: other }, by: 'its socket' },
    ]);
    const locked = await answering('redis.sock', '-NOAUTH Authentication required.\r\n');
    assert.deepEqual(await findRedis(only(locked)), [{ type: 'redis', at: { socket: locked }, by: 'its socket' }]);
  });
});
