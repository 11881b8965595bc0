import assert from 'node:assert/strict';
import { mkdir, readdir, rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { intoStep } from '../../../activities/operations/restore-into.ts';
import { pinned } from '../../../activities/storage/catalogue.ts';
import { serverText, type IntoExport, type IntoKeys, type IntoStepInput } from '../../../model/into-run.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { openDeafProxy } from '../../support/deaf-proxy.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startRedis, type TestRedis } from '../../support/redis.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';
import { newest } from '../sources/postgres/exports.ts';

/** Attempts of a worker, one after the other, and what happens in between. */
describe('the step of a restore into a running server', function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let cache: TestRedis;
  let made: TestSite;
  let runs = 0;

  before(async () => {
    const folder = await temporaryFolder();
    await mkdir(path.join(folder, 'cache'), { mode: 0o755 });
    [server, cache] = await Promise.all([
      startPostgres({ folder }),
      startRedis({ folder: path.join(folder, 'cache') }),
    ]);
    await server.sql('CREATE DATABASE shop');
    await server.sql("CREATE TABLE orders (note text); INSERT INTO orders VALUES ('backed up')", 'shop');
    await cache.run('SET', 'cart', 'backed up');
    const scratch = path.join(folder, 'scratch');
    await mkdir(scratch, { mode: 0o755 });
    made = await makeSite({
      folder,
      sources: { db: server.config('socket', { export: {} }), cache: cache.config() },
      plans: { restoreTest: { scratch } },
    });
    for (const source of ['db', 'cache'])
      await captureBackup({
        site: made.site,
        source,
        tier: 'weekly',
        runId: 'weekly-1',
        scheduled: '2026-11-22T01:00:00Z',
        attempt: 1,
        busy: 1_000,
        work: testWork(),
      });
  });
  beforeEach(() => server.sql("UPDATE orders SET note = 'of a client'", 'shop'));
  beforeEach(() => cache.run('SET', 'cart', 'of a client'));
  after(async () => {
    await server?.stop('immediate');
    await cache?.stop();
    await cleanUp();
  });

  const TABLE: IntoExport = { kind: 'export', database: 'shop', tables: ['orders'], owners: true };
  const KEY: IntoKeys = { kind: 'keys', database: 0, pattern: 'cart' };

  async function asked(what: IntoExport | IntoKeys, ago = 0): Promise<IntoStepInput> {
    const source = what.kind === 'keys' ? 'cache' : 'db';
    const waits = { deadline: 60_000, retryFirst: 100, retryMax: 1000, heartbeat: 2000, standstill: 30_000 };
    return {
      site: 'test',
      host: made.site.host,
      source,
      backup: pinned((await newest(made.site, source)).manifest),
      place: null,
      what,
      into: { user: what.kind === 'keys' ? 'default' : 'postgres' },
      passwordFile: null,
      replace: true,
      waits,
      run: `run-${runs++}`,
      asked: wholeSeconds(Date.now() - ago),
    };
  }
  const attempt = (input: IntoStepInput) => intoStep({ site: made.site, input, work: testWork() });

  async function notesOf(): Promise<readonly string[]> {
    const folder = path.join(made.site.state, 'restores');
    return (await readdir(folder)).filter((name) => name.startsWith('into-')).map((name) => path.join(folder, name));
  }
  async function isOfClients(): Promise<void> {
    assert.deepEqual(await server.sql('SELECT note FROM orders', 'shop'), [{ note: 'of a client' }]);
    assert.equal(await cache.run('GET', 'cart'), 'of a client');
  }

  for (const [what, named] of [
    [TABLE, 'a table'],
    [KEY, 'keys'],
  ] as const) {
    it(`of ${named}, cut off, is not gone on with by itself after an hour of silence: clients have gone on writing`, async () => {
      const refused = await isBackupError(attempt(await asked(what, 7_200_000)), 'refused');
      assert.match(refused.message, /nobody was at it since 20/);
      await isOfClients();
    });

    it(`of ${named}, that lasts for hours is gone on with where it was cut off just now`, async () => {
      const late = await asked(what, 7_200_000);
      await isBackupError(attempt(late), 'refused');
      for (const file of await notesOf()) await utimes(file, new Date(), new Date());
      await attempt({ ...late, again: true });
      assert.equal((await isBackupError(attempt(await asked(what, 7_200_000)), 'refused')).retryable, false);
    });

    it(`of ${named}, whose notes are lost with the state, is not done twice`, async () => {
      const first = await asked(what);
      await attempt(first);
      await server.sql("UPDATE orders SET note = 'of a client'", 'shop');
      await cache.run('SET', 'cart', 'of a client');
      await attempt({ ...first, again: true });
      await isOfClients();
      for (const file of await notesOf()) await rm(file);
      const lost = await isBackupError(attempt({ ...first, again: true }), 'conflict');
      assert.match(lost.message, /whether it was carried out cannot be told: what it had noted is not in/);
      await isOfClients();
    });
  }

  it('that loses its server on the way is tried again, and goes on; before it had begun with it that is told at once', async () => {
    const folder = await temporaryFolder();
    const into = { user: 'postgres', host: folder };
    const first = await asked(TABLE);
    const early = await isBackupError(attempt({ ...first, into }), 'unreachable');
    assert.equal(early.retryable, false);
    const socket = `.s.PGSQL.${server.port}`;
    const proxy = await openDeafProxy(path.join(folder, socket), path.join(server.socket, socket), 'BEGIN');
    const second = { ...(await asked(TABLE)), into };
    const late = await isBackupError(attempt(second), 'unreachable');
    assert.equal(late.retryable, true);
    await isOfClients();
    await attempt({ ...second, again: true });
    await proxy.close();
    assert.deepEqual(await server.sql('SELECT note FROM orders', 'shop'), [{ note: 'backed up' }]);
  });

  it('two sources have two servers, whose restores do not wait for each other', () => {
    const texts = ['a', 'b'].map((source) => serverText({ source, into: { user: 'default' } }));
    assert.deepEqual(texts, ['the server of a (user=default)', 'the server of b (user=default)']);
    assert.equal(serverText({ source: 'a', into: { host: 'there' } }), 'host=there');
  });
});
