/** The replay that proves the restores of the sample's Redis: it must find whatever is not as the journal says. */
import assert from 'node:assert/strict';
import { cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { command } from '../../../../../activities/sources/redis/client.ts';
import { startServer, type PrivateServer } from '../../../../../activities/sources/redis/server.ts';
import { locate } from '../../../../../activities/streams/locate.ts';
import { fillDatabases } from '../../../../../infra/quickstart/sample/redis/fill.ts';
import { makeDataFolder } from '../../../../../infra/quickstart/sample/redis/make.ts';
import { replay } from '../../../../../infra/quickstart/sample/redis/replay.ts';
import { readJournal, runScript, transact } from '../../../../../infra/quickstart/sample/redis/scripts.ts';
import { startDatabase } from '../../../../../infra/quickstart/sample/redis/start.ts';
import { startWorkload } from '../../../../../infra/quickstart/sample/redis/workload.ts';
import { samplePlace } from '../../../../../infra/quickstart/sample/place.ts';
import { cleanUp, temporaryFolder } from '../../../../support/folders.ts';
import { until } from '../../../../support/until.ts';
import { testWork } from '../../../../support/work.ts';

const { signal } = new AbortController();

describe('sample: replay of the journal of Redis', () => {
  let source: PrivateServer;
  /** A copy of the source's data folder: what is changed there no journal tells. */
  let restored: PrivateServer;
  let confirmed = 0;

  before(async () => {
    const folder = await temporaryFolder();
    const place = samplePlace({ MOSAIC_SAMPLE: folder });
    await mkdir(place.keys);
    await makeDataFolder(place);
    source = await startDatabase(place, signal);
    await fillDatabases(here(), 500);
    // One that is over when the restore is looked at, though its key was there in the journal.
    await transact(here(), 'log in', [[1, 'SET', 'session:short', 'x', 'PX', 300]]);
    const workload = await startWorkload(here(), 0);
    await until(
      '200 transactions',
      async () => workload.failure() !== undefined || (await workload.confirmed()) >= 200,
      120_000,
    );
    await workload.stop();
    assert.equal(workload.failure(), undefined);
    confirmed = await workload.confirmed();
    const data = path.join(folder, 'restored');
    await cp(place.redis, data, { recursive: true });
    const runtime = path.join(folder, 'restored-run');
    await mkdir(runtime);
    restored = await startServer({
      data,
      program: locate('redis-server'),
      runtime,
      settings: { appendonly: 'yes' },
      work: testWork(),
    });
  });

  after(async () => {
    await restored.stop();
    await source.stop();
    await cleanUp();
  });

  const here = () => ({ connection: source.connection, signal });
  const there = () => ({ connection: restored.connection, signal });

  async function failing(lastConfirmed = confirmed): Promise<readonly string[]> {
    const { checks } = await replay(there(), here(), lastConfirmed);
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  }

  /** Runs a command on the restore in one database. */
  function change(database: number, ...words: readonly string[]): Promise<string> {
    return command(there(), ['-n', String(database), ...words]);
  }

  /** The names of the checks that fail once a key was changed. It is put back afterwards. */
  async function damaged(database: number, key: string, ...words: readonly string[]): Promise<readonly string[]> {
    await change(database, 'COPY', key, 'kept', 'DB', '14', 'REPLACE');
    await change(database, ...words);
    // Put away where it would itself be found.
    await change(14, 'COPY', 'kept', 'kept', 'DB', String(HIDDEN), 'REPLACE');
    await change(14, 'DEL', 'kept');
    const found = await failing();
    await change(HIDDEN, 'COPY', 'kept', key, 'DB', String(database), 'REPLACE');
    await change(HIDDEN, 'DEL', 'kept');
    return found;
  }

  /** The ledger's own database, in which only the ledger's keys are looked at. */
  const HIDDEN = 15;

  /** A key of a database that the journal names last, of those that still live. */
  async function named(prefix: string): Promise<string> {
    const { entries } = await readJournal(there(), '-', '+');
    const keys = entries.flatMap(({ changes }) => changes.map(({ key }) => key));
    const key = keys.findLast((one) => one.startsWith(prefix) && one !== 'session:short');
    assert.ok(key, `the journal names no ${prefix}`);
    return key;
  }

  it('agrees with a server that is as it was, though some of its keys have come to their end', async () => {
    const found = await replay(there(), here(), confirmed);
    assert.deepEqual(
      found.checks.filter(({ ok }) => !ok),
      [],
    );
    assert.equal(found.databases, 3);
    assert.equal(found.last, confirmed);
    assert.equal(await change(1, 'EXISTS', 'session:short'), '0');
  });

  it('finds a key that is lost: a lasting one, one that the journal names, one that expires', async () => {
    assert.deepEqual(await damaged(0, 'product:7', 'DEL', 'product:7'), ['values: database 0']);
    const hit = await named('hits:');
    assert.deepEqual(await damaged(0, hit, 'DEL', hit), ['values: database 0']);
    const session = await named('session:');
    assert.deepEqual(await damaged(1, session, 'DEL', session), ['values: database 1']);
  });

  it('finds a value that changed, of every type', async () => {
    for (const [database, key, ...words] of [
      [0, 'cache:page:7', 'APPEND', 'cache:page:7', '.'],
      [0, 'product:7', 'HSET', 'product:7', 'stock', '8'],
      [2, 'queue:mail', 'LSET', 'queue:mail', '0', 'other'],
      [2, 'tag:7', 'SADD', 'tag:7', 'other'],
      [2, 'ranking:7', 'ZADD', 'ranking:7', '0.5', 'page:7'],
      [2, 'events', 'XADD', 'events', '*', 'kind', 'other'],
    ] as const) {
      assert.deepEqual(await damaged(database, key, ...words), [`values: database ${database}`], key);
    }
  });

  it('finds a lifetime that changed or is lost, and a key that came from nowhere', async () => {
    const session = await named('session:');
    assert.deepEqual(await damaged(1, session, 'PEXPIRE', session, '999999'), ['values: database 1']);
    assert.deepEqual(await damaged(1, session, 'PERSIST', session), ['values: database 1']);
    for (const words of [
      ['SET', 'other', 'x'],
      ['SET', 'other', 'x', 'PX', '999999'],
    ]) {
      await change(5, ...words);
      assert.deepEqual(await failing(), ['values: database 5']);
      await change(5, 'DEL', 'other');
    }
  });

  it('finds keys that are in another database, and two that changed places', async () => {
    await change(0, 'MOVE', 'product:8', '3');
    assert.deepEqual(await failing(), ['values: database 0', 'values: database 3']);
    await change(3, 'MOVE', 'product:8', '0');
    const swap = async () => {
      await change(0, 'RENAME', 'product:8', 'kept');
      await change(0, 'RENAME', 'product:9', 'product:8');
      await change(0, 'RENAME', 'kept', 'product:9');
    };
    await swap();
    assert.deepEqual(await failing(), ['values: database 0']);
    await swap();
    assert.deepEqual(await failing(), []);
  });

  it('finds a journal that ends too early, one that is not the one of the source, and one with a hole', async () => {
    assert.deepEqual(await failing(confirmed + 1), ['journal: whole']);
    await command(here(), ['-n', '15', 'XDEL', 'journal', '1-0']);
    assert.deepEqual(await failing(), []);
    await change(15, 'COPY', 'journal', 'kept');
    await change(15, 'XDEL', 'journal', `${confirmed}-0`);
    assert.ok((await failing()).includes('journal: whole'));
    await change(15, 'XDEL', 'kept', '100-0');
    await change(15, 'RENAME', 'kept', 'journal');
    const hole = await failing();
    assert.ok(hole.includes('journal: whole') && hole.includes('journal: of the source'), hole.join(', '));
  });
});

describe('sample: the journal of Redis, folded', () => {
  after(cleanUp);

  it('is shorter, agrees as before, and keeps what has not come to its end', async () => {
    const folder = await temporaryFolder();
    const place = samplePlace({ MOSAIC_SAMPLE: folder });
    await mkdir(place.keys);
    await makeDataFolder(place);
    const server = await startDatabase(place, signal);
    const asking = { connection: server.connection, signal };
    try {
      await runScript(asking, 'fill', [1, 200]);
      await runScript(asking, 'open');
      for (let turn = 1; turn <= 20; turn += 1)
        await transact(asking, 'count', [[0, turn === 5 ? 'DEL' : 'INCR', `hits:${turn}`]]);
      await transact(asking, 'log in', [[1, 'SET', 'session:1', 'x', 'EX', 600]]);
      await transact(asking, 'count', [[0, 'INCR', 'hits:1']]);
      assert.equal(await runScript(asking, 'fold', [22]), '20');
      const { checks, last } = await replay(asking, asking, 22);
      assert.deepEqual(
        checks.filter(({ ok }) => !ok),
        [],
      );
      assert.equal(last, 22);
      assert.equal((await readJournal(asking, '-', '+')).entries.length, 2);
      await command(asking, ['DEL', 'hits:3']);
      const after = await replay(asking, asking, 22);
      assert.deepEqual(
        after.checks.filter(({ ok }) => !ok).map(({ name }) => name),
        ['values: database 0'],
      );
    } finally {
      await server.stop();
    }
  });
});
