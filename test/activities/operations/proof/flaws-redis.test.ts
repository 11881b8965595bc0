import assert from 'node:assert/strict';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import type { Site } from '../../../../activities/site.ts';
import { listBackups } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { redisSource } from '../../../../model/config/source.ts';
import { damageFile } from '../../../support/damage.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { keys, startRedis, type TestRedis } from '../../../support/redis.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { onRestored } from '../../sources/redis/restored.ts';
import { eachArtifactDamaged, findings, prove, withinOf } from './proving.ts';

const SOURCE = 'cache';

/** A day that is as far ahead, and a moment in it. */
function inDays(days: number): { readonly date: string; readonly noon: number } {
  const date = new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  return { date, noon: Date.parse(`${date}T12:00:00Z`) };
}

/** The first record of the only backup of a site. */
async function oldest(site: Site): Promise<{ readonly evidence: string; readonly file: string }> {
  const [backup] = await listBackups(repositoryStore(site.repository));
  const evidence = path.join(site.repository, 'evidence', SOURCE, backup?.manifest.id ?? '');
  const [file] = (await readdir(evidence)).toSorted();
  assert.ok(file !== undefined && file.endsWith('-test.json'));
  return { evidence, file };
}

/** Code of a function that gives a number. */
function library(number: number): string {
  return String.raw`#!lua name=lib\nredis.register_function('one', function() return ${number} end)`;
}

describe('a restore test of a damaged Redis backup', function () {
  this.timeout(120_000);
  let folder: string;
  let server: TestRedis;
  let site: Site;

  before(async () => {
    folder = await temporaryFolder();
    server = await startRedis({ folder });
    const many = Array.from({ length: 2000 }, (_, i) => i);
    await server.pipe([
      ...keys(100),
      'SELECT 3',
      'SET other 1',
      'SELECT 5',
      // More than are kept in one piece: each load brings them into another order.
      ...many.flatMap((i) => [`HSET hash field:${i} ${i}`, `SADD set a:${i}`, `ZADD zset ${i / 7} m:${i}`]),
      'RPUSH list a b c',
      'XADD stream 1-0 field value',
      `SET session yours PXAT ${inDays(40).noon}`,
      // Gone before anybody looks again.
      'SET brief value PX 5000',
      `FUNCTION LOAD "${library(1)}"`,
    ]);
    ({ site } = await makeSite({ folder, sources: { [SOURCE]: server.config('save') } }));
    const run = { source: SOURCE, tier: 'daily', runId: 'run', scheduled: '2026-11-20T02:00:00Z' } as const;
    await captureBackup({ site, ...run, attempt: 1, busy: 0, work: testWork() });
  });

  after(async () => {
    await server?.stop();
    await cleanUp();
  });

  const of = () => ({ site, source: SOURCE, within: withinOf(folder) });

  it('flaw: a key missing; that values were not compared with the source had been said', async () => {
    const good = await prove(of());
    assert.ok(good.compared.includes('databases'), good.compared.join());
    assert.match(good.notCompared.join(), /values: not compared with the source/);
    assert.match(good.notCompared.join(), /contents: recorded for later proofs: values by database and type/);
    const without = (data: string) => changed(data, 'DEL', 'key:7');
    assert.match(await findings(of(), { plant: without }), /databases: .*99/);
    // A value has two witnesses: what the first proof found, and the questions of the user.
    const other = (data: string) => changed(data, 'SET', 'key:7', 'another');
    const change = probed([{ name: 'key 7', query: 'GET key:7', expect: { matches: '^[A-Za-z0-9_-]{16}$' } }]);
    await prove(of(), { change });
    assert.match(await findings(of(), { change, plant: other }), /probe: key 7: another, which does not match/);
  });

  it('flaw: a value changed, of each type, or when it expires: it is not what the first proof found', async () => {
    const again = await prove(of());
    assert.ok(again.compared.includes('contents'), again.notCompared.join());
    assert.match(
      again.notCompared.join(),
      /contents left out: .*database 5: consumer groups and last ids of its streams/,
    );
    const flaws: readonly (readonly [named: string, ...words: readonly string[]])[] = [
      ['database 0, strings', 'SETRANGE', 'key:7', '3', '!'],
      ['database 3, strings', 'SET', 'other', '2'],
      ['database 5, hashes', 'HSET', 'hash', 'field:700', 'other'],
      ['database 5, sets', 'EVAL', "redis.call('SREM', 'set', 'a:1') redis.call('SADD', 'set', 'b')", '0'],
      ['database 5, sorted sets', 'ZADD', 'zset', '1.5', 'a'],
      ['database 5, lists', 'LSET', 'list', '1', 'x'],
      ['database 5, streams', 'XADD', 'stream', '2-0', 'field', 'value'],
      [`database 5, strings that expire on ${inDays(40).date}`, 'SET', 'session', 'mine', 'KEEPTTL'],
      [`database 5, strings that expire on ${inDays(40).date}`, 'PEXPIREAT', 'session', `${inDays(40).noon + 1}`],
    ];
    for (const [named, ...words] of flaws) {
      const database = /database (\d)/.exec(named)?.[1] ?? '0';
      const plant = (data: string) => changed(data, '-n', database, ...words);
      const said = await findings(of(), { plant });
      assert.match(
        said,
        /contents: .*differ.* from what an earlier proof found, recorded by evidence\/\S+ at the repos/,
      );
      assert.ok(said.includes(`: ${named}`), said);
    }
  });

  it('flaw: the only key of its type or day has become one of another; the code of a function', async () => {
    await prove(of());
    const toList = "redis.call('DEL', 'other') redis.call('RPUSH', 'other', '1')";
    const flaws: readonly (readonly [named: string, ...words: readonly string[]])[] = [
      ['2 of 20 differ', '-n', '3', 'EVAL', toList, '0'],
      ['are not here; not among what', '-n', '5', 'PEXPIREAT', 'session', `${inDays(41).noon}`],
      ['functions', 'FUNCTION', 'LOAD', 'REPLACE', library(2).replace(String.raw`\n`, '\n')],
    ];
    for (const [named, ...words] of flaws) {
      const said = await findings(of(), { plant: (data: string) => changed(data, ...words) });
      assert.ok(said.includes('contents: values by database and type: ') && said.includes(named), said);
    }
  });

  it('flaw: a value changed, where the oldest record lies under the name of another moment: a younger one found the same', async () => {
    const { evidence, file } = await oldest(site);
    await rename(path.join(evidence, file), path.join(evidence, file.replace(/^\d{4}/, '2020')));
    const said = await findings(of(), { plant: (data) => changed(data, '-n', '3', 'SET', 'other', '2') });
    assert.match(said, /contents: .*differ from what an earlier proof found/);
    assert.ok(!said.includes(file), said);
    await rename(path.join(evidence, file.replace(/^\d{4}/, '2020')), path.join(evidence, file));
  });

  it('flaw: keys with a TTL gone out of append-only files, which nothing counts; and no flaw once their time is over', async () => {
    const own = await temporaryFolder();
    const writing = await startRedis({ folder: own, settings: { appendonly: 'yes' } });
    try {
      await writing.pipe([
        ...keys(10),
        `SET session yours PXAT ${inDays(40).noon}`,
        'SELECT 7',
        `SET alone yours PXAT ${inDays(40).noon}`,
      ]);
      const made = await makeSite({ folder: own, sources: { [SOURCE]: writing.config('aof') } });
      const run = { source: SOURCE, tier: 'daily', runId: 'run', scheduled: '2026-11-20T02:00:00Z' } as const;
      await captureBackup({ site: made.site, ...run, attempt: 1, busy: 0, work: testWork() });
      const there = { site: made.site, source: SOURCE, within: withinOf(own) };
      await prove(there);
      const plant = (data: string) =>
        onRestored(data, { appendonly: 'yes' }, async (run) => {
          await run('DEL', 'session');
          await run('-n', '7', 'DEL', 'alone');
        });
      assert.match(await findings(there, { plant }), /contents: values by database and type: 2 of .* are not here/);
      const { now } = Date;
      Date.now = () => now() + 60 * 86_400_000;
      try {
        const { compared, notCompared } = await prove(there, { plant });
        assert.ok(compared.includes('contents'), notCompared.join());
      } finally {
        Date.now = now;
      }
    } finally {
      await writing.stop();
    }
  });

  it('flaw: a byte of the dump', async () => {
    const plant = (data: string) => damageFile(path.join(data, 'dump.rdb'));
    assert.match(await findings(of(), { plant }), /files: dump\.rdb is not whole/);
  });

  it('flaw: of each artifact, one that is cut off and one that is missing', async () => {
    const [backup] = await listBackups(repositoryStore(site.repository));
    assert.ok(backup);
    await eachArtifactDamaged(of(), backup);
  });

  it('asks the probes of the config, and what is answered otherwise or not at all is named', async () => {
    const right = probed([
      { query: 'DBSIZE', expect: 100 },
      { query: 'GET other', database: '3', expect: 1 },
      { command: ['sh', '-c', `test "$(redis-cli -s "$REDIS_SOCKET" DBSIZE)" = 100`] },
    ]);
    const { compared, notCompared } = await prove(of(), { change: right });
    assert.equal(compared.filter((name) => name.startsWith('probe: ')).length, 3, notCompared.join('\n'));
    const wrong = probed([
      { name: 'a', query: 'DBSIZE', expect: { min: 101 } },
      { name: 'b', query: 'SELECT COUNT FROM keys', expect: { matches: '.' } },
      { name: 'c', query: 'FLUSHALL', expect: 'OK' },
      { name: 'd', query: "EVAL \"return redis.call('SET', 'a', 'b')\" 0", expect: 'OK' },
      { name: 'e', query: 'REPLICAOF 127.0.0.1 6379', expect: 'OK' },
      { name: 'f', query: 'BLPOP nothing 0', expect: '', timeout: '500ms' },
    ]);
    const said = await findings(of(), { change: wrong });
    for (const named of [
      /probe: a: 100, less than 101/,
      /probe: b: .*ERR/,
      /probe: c: .*(no permissions|NOPERM)/,
      /probe: d: .*(permissions|NOPERM)/,
      /probe: e: .*(no permissions|NOPERM)/,
      /probe: f: /,
    ])
      assert.match(said, named);
  });

  function probed(probes: object) {
    return { probes: redisSource.parse({ type: 'redis', probes }).probes };
  }

  /** The dump as a server writes it that something else was done to. */
  async function changed(data: string, ...words: readonly string[]): Promise<void> {
    await onRestored(data, {}, async (run) => {
      await run(...words);
      await run('SAVE');
    });
  }
});
