import assert from 'node:assert/strict';
import { mkdir, open, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { redis } from '../../../../activities/sources/redis/index.ts';
import { startServer } from '../../../../activities/sources/redis/server.ts';
import { redisUser } from '../../../../activities/sources/redis/server-user.ts';
import type { Site } from '../../../../activities/site.ts';
import { locate } from '../../../../activities/streams/locate.ts';
import type { Check } from '../../../../model/evidence.ts';
import { BackupError } from '../../../../model/errors.ts';
import { isBackupError } from '../../../support/errors.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../../support/folders.ts';
import { keys, startRedis, type Method, type TestRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { networkOf, socketsOf } from '../../../support/sockets.ts';
import { until } from '../../../support/until.ts';
import { testWork } from '../../../support/work.ts';
import { capture, onlyBackup, prove, reader, restoreTo, SOURCE } from '../postgres/backups.ts';
import { onRestored, type Run } from './restored.ts';

const AT = '2026-03-01T02:00:00Z';
/** A server's own names, none of which is Redis' default. */
const NAMES = { dbfilename: 'state.rdb', appenddirname: 'history', appendfilename: 'writes.aof' } as const;

describe('restore of a Redis source', () => {
  let folder: string;
  /** With AOF, a save now and then, and names of its own. */
  let server: TestRedis;
  const settings = { ...NAMES, appendonly: 'yes', save: '3600 1' };

  before(async () => {
    folder = await temporaryFolder();
    const own = path.join(folder, 'server');
    await mkdir(own);
    server = await startRedis({ folder: own, settings });
    await server.pipe([...keys(5_000), 'SELECT 2', 'SET persistent 1', 'SETEX fleeting 2 gone', 'SETEX short 5000 v']);
    await server.pipe([
      'SELECT 9',
      'HSET hash a 1 b 2',
      'ZADD sorted 1 x 2 y',
      'XADD log 1-1 a b',
      'SETEX short 5000 v',
    ]);
    await server.run('FUNCTION', 'LOAD', "#!lua name=mine\nredis.register_function('f', function() return 1 end)");
    await until('the fleeting key is gone', async () => (await server.run('-n', '2', 'EXISTS', 'fleeting')) === '0');
  });
  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  async function captured(name: string, method: Method, options: object = {}): Promise<Site> {
    const own = path.join(folder, name);
    await mkdir(own);
    const config = server.config(method, { names: NAMES, ...options });
    const { site } = await makeSite({ folder: own, sources: { [SOURCE]: config } });
    const result = await capture(site, AT);
    assert.deepEqual(result.warnings, []);
    return site;
  }

  for (const method of ['stream', 'save', 'aof'] as const) {
    it(`P25 a backup by ${method} comes up with all keys under appendonly yes, twice, with what is written between`, async () => {
      const site = await captured(`twice-${method}`, method);
      const to = path.join(folder, `twice-${method}`, 'restored');
      await restoreTo(site, await onlyBackup(site), to);
      const digest = await server.run('DEBUG', 'DIGEST');
      const user = await redisUser();
      if (user) assert.equal((await stat(path.join(to, 'history', 'writes.aof.manifest'))).uid, user.uid);

      const written = await onRestored(to, settings, async (run) => {
        assert.equal(await run('DEBUG', 'DIGEST'), digest);
        assert.equal(await run('FCALL', 'f', '0'), '1');
        await run('SET', 'since', 'the restore');
        return run('DEBUG', 'DIGEST');
      });
      const again = await onRestored(to, settings, async (run) => [
        await run('GET', 'since'),
        await run('DEBUG', 'DIGEST'),
      ]);
      assert.deepEqual(again, ['the restore', written]);
    });
  }

  it('P25 of a server whose append-only files lie beside its dump, by each method', async () => {
    const own = path.join(folder, 'beside');
    await mkdir(own);
    const beside = { appendonly: 'yes', appenddirname: '.', appendfilename: 'my "writes"\n' };
    const other = await startRedis({ folder: own, settings: beside });
    try {
      await other.pipe(keys(100));
      for (const method of ['stream', 'save'] as const) {
        const place = path.join(own, method);
        await mkdir(place);
        const connection = { socket: other.socket };
        const { site } = await makeSite({
          folder: place,
          sources: { [SOURCE]: other.config(method, { names: undefined, connection }) },
        });
        await capture(site, AT);
        const to = path.join(place, 'restored');
        await restoreTo(site, await onlyBackup(site), to);
        for (let start = 1; start <= 2; start += 1) {
          assert.equal(await onRestored(to, beside, (run) => run('DBSIZE')), '100');
        }
      }
    } finally {
      await other.stop();
    }
  });

  it('P30 of a server with more databases than a server has by itself, whether it may be asked how many or not', async () => {
    const own = path.join(folder, 'many');
    await mkdir(own);
    const many = await startRedis({ folder: own, settings: { appendonly: 'yes', databases: '100' } });
    try {
      await many.pipe(['SET one 1', 'SELECT 77', 'SET two 2']);
      for (const options of [{}, { names: undefined, connection: { socket: many.socket } }]) {
        const place = path.join(own, Object.keys(options).join('-') || 'own');
        await mkdir(place);
        const { site } = await makeSite({ folder: place, sources: { [SOURCE]: many.config('stream', options) } });
        await capture(site, AT);
        const checks = await prove(site, await onlyBackup(site), path.join(place, 'proof'));
        assert.equal(checks.get('start')?.ok, true, checks.get('start')?.detail);
        assert.equal(checks.get('databases')?.detail, '2 keys without a TTL in 2 databases, as in the inventory');
      }
    } finally {
      await many.stop();
    }
  });

  it('P25 of a server without AOF comes up with all keys under its own settings, and with no stale history beside', async () => {
    const own = path.join(folder, 'plain');
    await mkdir(own);
    const plain = await startRedis({ folder: own, settings: { save: '3600 1' } });
    try {
      await plain.pipe(keys(100));
      const { site } = await makeSite({ folder: own, sources: { [SOURCE]: plain.config('stream') } });
      await capture(site, AT);
      const to = path.join(own, 'restored');
      await restoreTo(site, await onlyBackup(site), to);
      assert.deepEqual(await readdir(to), ['dump.rdb']);
      for (let start = 1; start <= 2; start += 1) {
        assert.equal(await onRestored(to, { save: '3600 1' }, (run) => run('DBSIZE')), '100');
      }
    } finally {
      await plain.stop();
    }
  });

  it('P30 several databases and keys with a TTL compare equal, by each method', async () => {
    for (const method of ['stream', 'save', 'aof'] as const) {
      const site = await captured(`equal-${method}`, method);
      const checks = await prove(site, await onlyBackup(site), path.join(folder, `equal-${method}`, 'proof'));
      assert.deepEqual([...checks.keys()], ['files', 'start', 'databases', 'expiring keys', 'functions', 'values']);
      for (const [name, { compared, ok, detail }] of checks) {
        if (name === 'values') assert.ok(!compared && !ok && /not compared/.test(detail), detail);
        else assert.ok(compared && ok, `${name}: ${detail}`);
      }
      assert.equal(checks.get('databases')?.detail, '5004 keys without a TTL in 3 databases, as in the inventory');
      assert.match(checks.get('expiring keys')?.detail ?? '', /2 of 2 have not come to the end/);
      assert.equal(checks.get('functions')?.detail, '1 libraries of functions');
    }
  });

  const changes: readonly (readonly [
    what: string,
    change: readonly string[],
    failing: readonly string[],
    words: RegExp,
  ])[] = [
    ['a key that lacks', ['DEL', 'key:7'], ['databases'], /database 0 has 4999, not 5000/],
    ['a key too many', ['SET', 'new', '1'], ['databases'], /database 0 has 5001, not 5000/],
    ['a key in another database', ['MOVE', 'key:7', '5'], ['databases'], /database 5 has 1, not 0/],
    ['a TTL that was lost', ['-n', '2', 'PERSIST', 'short'], ['databases', 'expiring keys'], /database 2 has 2, not 1/],
    ['a library that lacks', ['FUNCTION', 'FLUSH'], ['functions'], /0 libraries of functions, not 1/],
  ];
  describe('whose check can fail', () => {
    let site: Site;
    before(async () => {
      site = await captured('differs', 'save');
    });

    /** Restores, changes what was restored, and checks it. */
    async function checkAfter(change: (data: string) => Promise<unknown>): Promise<ReadonlyMap<string, Check>> {
      const backup = await onlyBackup(site);
      const data = path.join(await temporaryFolder(), 'restored');
      await restoreTo(site, backup, data);
      await change(data);
      const chain = [await reader(site, backup)];
      const scratch = await temporaryFolder();
      const checks = await redis.check({ source: SOURCE, work: testWork(), chain, restored: data, scratch });
      return new Map(checks.map((each) => [each.name, each]));
    }

    for (const [what, words, failing, detail] of changes) {
      it(`P30 notices ${what}`, async () => {
        const checks = await checkAfter((data) => onRestored(data, settings, (run: Run) => run(...words)));
        const failures = [...checks.values()].filter(({ compared, ok }) => compared && !ok).map(({ name }) => name);
        assert.deepEqual(failures, failing);
        assert.match(checks.get(failing[0] ?? '')?.detail ?? '', detail);
      });
    }

    const files: readonly (readonly [what: string, file: string, at: number])[] = [
      ['a flipped byte in the dump', NAMES.dbfilename, 2_000],
      ['a flipped byte in the append-only files', `${NAMES.appenddirname}/${NAMES.appendfilename}.1.base.rdb`, 2_000],
    ];
    for (const [what, file, at] of files) {
      it(`notices ${what} before any start`, async () => {
        const checks = await checkAfter((data) => flipByte(path.join(data, file), at));
        assert.equal(checks.get('files')?.ok, false);
        assert.match(checks.get('files')?.detail ?? '', /is not whole/);
        assert.deepEqual([checks.get('start')?.compared, checks.get('databases')?.compared], [false, false]);
      });
    }

    it('notices a command that no server knows, which redis-check-aof takes for sound: it does not start', async () => {
      const checks = await checkAfter(async (data) => {
        const folder = path.join(data, NAMES.appenddirname);
        const manifest = path.join(folder, `${NAMES.appendfilename}.manifest`);
        const added = `${NAMES.appendfilename}.9.incr.aof`;
        await writeFile(path.join(folder, added), '*1\r\n$7\r\nUNKNOWN\r\n');
        const kept = (await readFile(manifest, 'utf8')).split('\n').filter((line) => line.includes('type b'));
        await writeFile(manifest, `${[...kept, `file ${added} seq 9 type i`].join('\n')}\n`);
      });
      const failures = [...checks.values()].filter(({ compared, ok }) => compared && !ok).map(({ name }) => name);
      assert.deepEqual(failures, ['start']);
      assert.equal(checks.get('databases')?.compared, false);
    });

    it('refuses to promote a dump that redis-check-rdb finds damaged', async () => {
      const whole = await reader(site, await onlyBackup(site));
      const scratch = await temporaryFolder();
      const damaged = {
        ...whole,
        async into(...what: Parameters<typeof whole.into>) {
          await whole.into(...what);
          await flipByte(path.join(scratch, NAMES.dbfilename), 2_000);
        },
      };
      const restored = redis.restore({ source: SOURCE, work: testWork(), chain: [damaged], scratch, paths: [] });
      await assert.rejects(restored, (error) => error instanceof BackupError && error.code === 'verification-failed');
    });

    it('refuses to prepare append-only files of a dump that is not what was counted', async () => {
      const whole = await reader(site, await onlyBackup(site));
      const scratch = await temporaryFolder();
      async function* lines(role: string): AsyncGenerator<string> {
        for await (const line of whole.lines(role)) yield line.replace('"keys":5000', '"keys":5001');
      }
      const chain = [{ ...whole, lines }];
      await assert.rejects(redis.restore({ source: SOURCE, work: testWork(), chain, scratch, paths: [] }), (error) => {
        assert.ok(error instanceof BackupError && error.code === 'verification-failed', String(error));
        const [, has, not] = /the dump has (\d+) keys without a TTL, not (\d+)/.exec(error.message) ?? [];
        assert.equal(Number(has) + 1, Number(not), error.message);
        return true;
      });
    });

    it('tells that append-only files find no place beside the dump, and what is no RDB', async () => {
      const whole = await reader(site, await onlyBackup(site));
      async function restored(scratch: string, change: (file: string) => Promise<unknown>): Promise<void> {
        async function into(...what: Parameters<typeof whole.into>): Promise<void> {
          await whole.into(...what);
          await change(path.join(scratch, NAMES.dbfilename));
        }
        await redis.restore({ source: SOURCE, work: testWork(), chain: [{ ...whole, into }], scratch, paths: [] });
      }
      const small = await smallFileSystem('1m');
      const fill = () => writeFile(path.join(small, 'filler'), Buffer.alloc(2 ** 20)).catch(() => undefined);
      const full = await isBackupError(restored(small, fill), 'no-space');
      assert.match(full.message, /Making append-only files of the dump failed: the disk is full \(.*history\)/);
      const empty = await isBackupError(
        restored(await temporaryFolder(), (file) => truncate(file, 0)),
        'verification-failed',
      );
      assert.match(empty.message, /is no RDB/);
    });

    it('refuses append-only files outside of the data folder, before anything is fetched or removed', async () => {
      const whole = await reader(site, await onlyBackup(site));
      const position = { ...whole.manifest.position, names: { ...NAMES, appenddirname: '..', known: true } };
      const place = await temporaryFolder();
      const scratch = path.join(place, 'scratch');
      await mkdir(scratch);
      await writeFile(path.join(place, 'precious'), '');
      for (const method of ['save', 'aof']) {
        const manifest = { ...whole.manifest, position: { ...position, method } };
        const chain = [{ ...whole, manifest, into: () => assert.fail('something was fetched') }];
        const restored = redis.restore({ source: SOURCE, work: testWork(), chain, scratch, paths: [] });
        const error = await isBackupError(restored, 'refused');
        assert.match(error.message, /appenddirname of the backup is "\.\."/);
        assert.deepEqual((await readdir(place)).toSorted(), ['precious', 'scratch']);
      }
    });

    it('needs a server that is new enough, before anything is fetched, and says so of a check', async () => {
      const whole = await reader(site, await onlyBackup(site));
      const newer = {
        ...whole,
        manifest: { ...whole.manifest, engine: { ...whole.manifest.engine, version: '99.1.0' } },
        into: () => assert.fail('something was fetched'),
      };
      const scratch = await temporaryFolder();
      await assert.rejects(
        redis.restore({ source: SOURCE, work: testWork(), chain: [newer], scratch, paths: [] }),
        (error) => error instanceof BackupError && error.code === 'missing-program' && /99\.1/.test(error.remedy ?? ''),
      );
      const checks = await redis.check({
        source: SOURCE,
        work: testWork(),
        chain: [newer],
        restored: scratch,
        scratch,
      });
      assert.ok(checks.length === 6 && checks.every(({ compared, ok }) => !compared && !ok));
    });
  });

  it('its private server listens on a socket of its own alone, and ends when its work is cancelled', async () => {
    const site = await captured('private', 'save');
    const data = path.join(await temporaryFolder(), 'restored');
    await restoreTo(site, await onlyBackup(site), data);
    const work = testWork();
    const runtime = await temporaryFolder();
    const program = locate('redis-server');
    const started = await startServer({ data, program, runtime, settings: { ...NAMES, appendonly: 'yes' }, work });
    assert.ok((await socketsOf(started.pid, 'unix')).some((line) => line.includes('redis.sock')));
    assert.deepEqual(await networkOf(started.pid), []);
    work.abort();
    await until('it is gone', () => !started.running());
  });

  it('restores where the data would not fit into memory, and starts no private server on them there', async () => {
    const site = await captured('memory', 'stream');
    const whole = await reader(site, await onlyBackup(site));
    const engine = { ...whole.manifest.engine, memoryBytes: 2 ** 60 };
    const huge = { ...whole, manifest: { ...whole.manifest, engine } };
    const data = await temporaryFolder();
    await redis.restore({ source: SOURCE, work: testWork(), chain: [huge], scratch: data, paths: [] });
    assert.deepEqual((await readdir(data)).toSorted(), [NAMES.appenddirname, NAMES.dbfilename]);
    const scratch = await temporaryFolder();
    const checks = await redis.check({ source: SOURCE, work: testWork(), chain: [huge], restored: data, scratch });
    assert.deepEqual(
      checks.map(({ name, compared }) => [name, compared]),
      [
        ['files', true],
        ['start', false],
        ['databases', false],
        ['expiring keys', false],
        ['functions', false],
        ['values', false],
      ],
    );
  });

  async function flipByte(file: string, at: number): Promise<void> {
    const handle = await open(file, 'r+');
    try {
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, at);
      await handle.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, at);
    } finally {
      await handle.close();
    }
  }

  it('compares within the number of writes that came between counting and snapshot, and no more', async () => {
    const load = setInterval(() => void server.run('-n', '11', 'SET', `load:${Math.random()}`, 'x'), 5);
    const site = await captured('load', 'stream').finally(() => clearInterval(load));
    const checks = await prove(site, await onlyBackup(site), path.join(folder, 'load', 'proof'));
    const databases = checks.get('databases');
    assert.ok(databases?.compared && databases.ok, databases?.detail);
    assert.match(databases.detail, /; \d+ writes during the capture are allowed for$/);
  });
});
