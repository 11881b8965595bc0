import assert from 'node:assert/strict';
import { backupConnection, client, describeServer } from '../../../../activities/sources/redis/connection.ts';
import { complaint } from '../../../../activities/sources/redis/errors.ts';
import { redisSource } from '../../../../model/config/source.ts';

const SECRET = 'not for arguments';

function connect(connection: object) {
  const config = redisSource.parse({ type: 'redis', connection });
  return backupConnection(config, async () => SECRET);
}

describe('the connection of a Redis source', () => {
  it('gives the password to redis-cli by its environment, and never by its arguments', async () => {
    const { args, env } = client(await connect({ user: 'u', password: { env: 'X' } }), ['PING']);
    assert.deepEqual(args, ['-h', '127.0.0.1', '-p', '6379', '--user', 'u', 'PING']);
    assert.equal(env?.['REDISCLI_AUTH'], SECRET);
  });

  it('logs a user without a password in, too: else redis-cli would go on as the default user', async () => {
    assert.equal(client(await connect({ user: 'u' }), []).env?.['REDISCLI_AUTH'], '');
  });

  it('takes the password of the environment of the worker out, where the config has none', async () => {
    const { env } = client(await connect({}), []);
    assert.ok(env && 'REDISCLI_AUTH' in env && env['REDISCLI_AUTH'] === undefined);
    assert.ok('VALKEYCLI_AUTH' in env && env['VALKEYCLI_AUTH'] === undefined);
  });

  it('is by socket where there is one, and by TLS where there is a CA', async () => {
    const connection = await connect({ socket: '/run/redis.sock', ca: '/etc/ca.crt' });
    assert.deepEqual(client(connection, []).args, ['-s', '/run/redis.sock', '--tls', '--cacert', '/etc/ca.crt']);
    assert.equal(describeServer(connection), '/run/redis.sock');
  });

  const answers: readonly (readonly [answer: string, code: string, remedy: RegExp])[] = [
    ['AUTH failed: WRONGPASS invalid username-password pair or user is disabled.', 'access-denied', /ACL SETUSER u /],
    ["NOPERM this user has no permissions to run the 'sync' command", 'access-denied', /ACL SETUSER u \+sync/],
    ['NOAUTH Authentication required.', 'access-denied', /redis\.acl/],
    ['Could not connect to Redis at 127.0.0.1:1: Connection refused', 'unreachable', /Start the server/],
    [
      'Could not connect to Redis at h:1: SSL_connect failed: certificate verify failed',
      'access-denied',
      /connection\.ca/,
    ],
    ['LOADING Redis is loading the dataset in memory', 'unreachable', /tried again/],
    ['Error reading RDB payload from socket', 'unreachable', /Start the server/],
    ['DENIED Redis is running in protected mode', 'access-denied', /passwords/],
  ];
  for (const [answer, code, remedy] of answers) {
    it(`tells what is meant by: ${answer}`, async () => {
      const error = complaint(`something before\n${answer}\n`, await connect({ user: 'u' }));
      assert.equal(error?.code, code);
      assert.match(error?.remedy ?? '', remedy);
    });
  }

  it('takes no word of a path or of a host for what a server says', async () => {
    const places = [
      [{ socket: '/srv/tls/BsslrD/redis.sock' }, '/srv/tls/BsslrD/redis.sock: No such file or directory'],
      [{ host: 'ssl.example' }, 'ssl.example:6379: Name or service not known'],
    ] as const;
    for (const [connection, rest] of places) {
      const error = complaint(`Could not connect to Redis at ${rest}`, await connect(connection));
      assert.equal(error?.code, 'unreachable');
    }
  });

  it('does not guess at what is not known', async () => {
    assert.equal(complaint('ERR syntax error', await connect({})), undefined);
  });
});
