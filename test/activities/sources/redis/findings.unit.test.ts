import assert from 'node:assert/strict';
import type { Facts } from '../../../../activities/sources/redis/facts.ts';
import { factsOf, isAtLeast, namesOf } from '../../../../activities/sources/redis/facts.ts';
import { findingsOf } from '../../../../activities/sources/redis/findings.ts';
import { windowBetween, windowSinceSave } from '../../../../activities/sources/redis/inventory.ts';
import { redisSource } from '../../../../model/config/source.ts';

/** A server with nothing to find. */
const SOUND: Facts = {
  product: 'redis',
  version: '7.0.15',
  runId: '1',
  time: 0,
  role: 'master',
  linkUp: true,
  cluster: false,
  modules: [],
  databases: [],
  libraries: 0,
  persistence: {
    aof: true,
    aofWriteOk: true,
    aofRewriteOk: true,
    rewriting: false,
    rewrites: 0,
    saving: false,
    saveOk: true,
    saves: 3,
    lastSave: 100,
    savedKeys: 0,
    changes: 10,
    loading: false,
  },
  expired: 0,
  evicted: 0,
  replication: { id: '1', offset: 0 },
  memory: 1_000_000,
  configFile: '',
  platform: 'Linux',
  settings: { save: '3600 1' },
};

/** What is found once something of a sound server, or of its config, is different. */
function found(changes: Partial<Facts>, config: object = {}) {
  const source = redisSource.parse({ type: 'redis', ...config });
  return findingsOf({ ...SOUND, ...changes }, source, 'cache').map(({ code, severity, remedy }) => ({
    code,
    severity,
    remedy,
  }));
}

function persistence(changes: Partial<Facts['persistence']>): Partial<Facts> {
  return { persistence: { ...SOUND.persistence, ...changes } };
}

describe('findings about a Redis server', () => {
  it('has none about a sound one', () => {
    assert.deepEqual(found({}), []);
  });

  it('has an error about append-only files outside of the data folder, where there are any', () => {
    const outside = { settings: { save: '3600 1', appenddirname: '..' } };
    assert.deepEqual(
      found(outside).map(({ code, severity }) => [code, severity]),
      [['redis.names-outside', 'error']],
    );
    assert.deepEqual(found({ ...outside, ...persistence({ aof: false }) }), []);
    assert.deepEqual(found({ settings: { save: '3600 1', appenddirname: '.' } }), []);
  });

  const cases: readonly (readonly [string, Partial<Facts>, object, string, string, RegExp])[] = [
    ['a server that is too old', { version: '6.2.14' }, {}, 'version', 'error', /7\.0/],
    ['one that is loading', persistence({ loading: true }), {}, 'loading', 'error', /tried again/],
    ['a replica without its master', { role: 'slave', linkUp: false }, {}, 'replica-link', 'error', /INFO replication/],
    ['a node of a cluster', { cluster: true }, {}, 'cluster', 'warning', /each master/],
    ['a save that failed', persistence({ saveOk: false }), {}, 'save-failed', 'warning', /BGSAVE/],
    ['an AOF that is not written', persistence({ aofWriteOk: false }), {}, 'aof-write-failed', 'warning', /space/],
    ['the same by aof', persistence({ aofWriteOk: false }), { method: 'aof' }, 'aof-write-failed', 'error', /space/],
    [
      'a rewrite that failed',
      persistence({ aofRewriteOk: false }),
      {},
      'aof-rewrite-failed',
      'warning',
      /BGREWRITEAOF/,
    ],
    [
      'no AOF where it is the method',
      persistence({ aof: false }),
      { method: 'aof' },
      'no-aof',
      'error',
      /appendonly yes/,
    ],
    [
      'no persistence',
      { ...persistence({ aof: false }), settings: { save: '' } },
      {},
      'no-persistence',
      'warning',
      /appendonly yes/,
    ],
    [
      'an RPO without AOF',
      persistence({ aof: false }),
      { objectives: { rpo: '10m' } },
      'rpo',
      'warning',
      /appendonly yes/,
    ],
    ['an RPO with AOF', {}, { objectives: { rpo: '10m' } }, 'rpo', 'warning', /every 10m/],
    ['unknown names', { settings: undefined }, {}, 'names', 'warning', /names: \{\}/],
    ['configuration outside', { configFile: '/etc/redis/redis.conf' }, {}, 'config-outside', 'info', /\/etc\/redis/],
    ['modules', { modules: ['bf'] }, {}, 'modules', 'warning', /same versions/],
    ['a password in clear', {}, { connection: { host: '10.0.0.7' } }, 'clear-text', 'warning', /connection\.ca/],
    ['a newer Redis', { version: '8.2.1' }, {}, 'newer', 'info', /--deep/],
  ];
  for (const [what, changes, config, code, severity, remedy] of cases) {
    it(`finds ${what}, with its remedy`, () => {
      const [finding, ...more] = found(changes, config);
      assert.equal(finding?.code, `redis.${code}`);
      assert.equal(finding.severity, severity);
      assert.match(finding.remedy ?? '', remedy);
      assert.deepEqual(more, []);
    });
  }

  it('has nothing against loopback, sockets and TLS', () => {
    for (const connection of [
      { host: 'localhost' },
      { socket: '/run/redis.sock' },
      { host: 'cache', ca: '/etc/ca.crt' },
    ]) {
      assert.deepEqual(found({}, { connection }), []);
    }
  });

  it('has nothing against an RPO that a daily backup meets', () => {
    assert.deepEqual(found({}, { objectives: { rpo: '26h' } }), []);
  });

  it('does not ask for names that the config states', () => {
    assert.deepEqual(found({ settings: undefined }, { names: {} }), []);
  });
});

describe('facts about a Redis server', () => {
  it('are those of Valkey where it says so', () => {
    const { product, version } = factsOf({ redis_version: '7.2.4', valkey_version: '8.0.1', server_name: 'valkey' });
    assert.deepEqual([product, version], ['valkey', '8.0.1']);
  });

  it('name databases, and modules one by one', () => {
    const { databases, modules } = factsOf({
      redis_version: '7.0.15',
      db0: 'keys=5,expires=2,avg_ttl=7',
      db11: 'keys=1,expires=0,avg_ttl=0,subexpiry=0',
      'module:bf': 'ver=1',
    });
    assert.deepEqual(databases, [
      { index: 0, keys: 5, expires: 2 },
      { index: 11, keys: 1, expires: 0 },
    ]);
    assert.deepEqual(modules, ['bf']);
  });

  it('compare versions by major and minor', () => {
    assert.deepEqual(
      [isAtLeast('7.0.15', '7.0'), isAtLeast('6.2.0', '7.0'), isAtLeast('8.0', '7.9'), isAtLeast('7.10', '7.9')],
      [true, false, true, true],
    );
  });

  it('take names from the server before the config, and defaults last', () => {
    const config = { names: { dbfilename: 'a', appenddirname: 'b', appendfilename: 'c' } };
    assert.equal(namesOf(config, { dbfilename: 'z' }).dbfilename, 'z');
    assert.equal(namesOf(config, undefined).dbfilename, 'a');
    assert.deepEqual(namesOf({ names: undefined }, undefined), {
      dbfilename: 'dump.rdb',
      appenddirname: 'appendonlydir',
      appendfilename: 'appendonly.aof',
      known: false,
    });
  });
});

describe('the window between counting and snapshot', () => {
  const at = (changes: Partial<Facts['persistence']>, rest: Partial<Facts> = {}): Facts => ({
    ...SOUND,
    ...persistence(changes),
    ...rest,
  });

  it('is the writes between two looks, with what was thrown out; keys at the end of their TTL apart', () => {
    const after = at({ changes: 14 }, { evicted: 2, expired: 5 });
    assert.deepEqual(windowBetween(SOUND, after), { changes: 6, lapsed: 5 });
  });

  it('is unknown where a save has ended between, since it takes writes from the count', () => {
    assert.equal(windowBetween(SOUND, at({ changes: 14, saves: 4 })).changes, null);
    assert.equal(windowBetween(SOUND, at({ changes: 4 })).changes, null);
    assert.equal(windowBetween(at({ saving: true }), at({ changes: 14 })).changes, null);
  });

  it('is unknown where a FLUSHALL began the count anew', () => {
    const full = at({}, { databases: [{ index: 0, keys: 50, expires: 10 }] });
    assert.equal(windowBetween(full, at({ changes: 14, lastSave: 101 })).changes, null);
    assert.equal(windowBetween(full, at({ changes: 49 })).changes, null);
    assert.equal(windowBetween(full, at({ changes: 50 })).changes, 40);
    assert.equal(windowSinceSave(full, at({ changes: 1, saves: 4 })).changes, null);
  });

  it('is what was written since a save began, when no other save ended as well', () => {
    assert.equal(windowSinceSave(SOUND, at({ changes: 2, saves: 4 })).changes, 2);
    assert.equal(windowSinceSave(SOUND, at({ changes: 2, saves: 5 })).changes, null);
  });
});
