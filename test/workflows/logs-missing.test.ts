/** Sealed logs that somebody removes later: no shipping sees it, and a restore would be the first to say so. */
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { planRecovery } from '../../activities/operations/recovery.ts';
import { listBackups, type Catalogued } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import type { Session } from '../../client/runs/session.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { ownTemporal } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openSession, runDaily, runLogs } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { posted, startWebhook, type Posted, type Webhook } from '../support/webhook.ts';

const CAPTURE = { captureDeadline: '30s', copyDeadline: '5s', retryFirst: '100ms', retryMax: '1s' };

describe('logs that are gone from the repository', function () {
  this.timeout(120_000);
  let folder: string;
  let db: TestPostgres;
  let shop: TestMariadb;
  let hook: Webhook;
  let test: TestSite;
  let session: Session;
  let row = 0;
  /** Logs of four weeks are looked at, so these are of today. */
  let last = Date.now();

  before(async () => {
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'shop'));
    [db, shop, hook] = await Promise.all([
      startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } }),
      startMariadb({ folder: path.join(folder, 'shop') }),
      startWebhook(),
    ]);
    await db.sql('CREATE TABLE t (id int)');
    await shop.sql('CREATE DATABASE shop; CREATE TABLE shop.t (id INT)');
    const url = path.join(folder, 'webhook');
    await writeFile(url, `http://127.0.0.1:${hook.port}/\n`, { mode: 0o600 });
    test = await makeSite({
      folder,
      sources: { db: db.config(), shop: shop.config() },
      notify: [
        { type: 'webhook', url: { file: url }, on: ['logs-missing'] },
        { type: 'command', command: ['sh', '-c', `cat >> ${path.join(folder, 'heard')}`], on: ['logs-missing'] },
      ],
      plans: { logs: { workerDeadline: '5s', retryFirst: '100ms', heartbeat: '5s' }, daily: CAPTURE },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await Promise.all([db?.stop(), shop?.stop('immediate'), hook?.stop()]);
    await cleanUp();
  });

  for (const source of ['db', 'shop'] as const) {
    it(`P03 a deleted middle one alerts, with the times that are lost and where a copy is, until it is back (${source})`, async () => {
      await full(source);
      const [one, two, three] = [await ship(source), await ship(source), await ship(source)];
      assert.deepEqual(told(source), []);
      await away(two);
      const restored = (place: string) =>
        listed(place).then((catalogue) =>
          planRecovery({ catalogue, source, target: { kind: 'time', time: coveredBy(three) } }),
        );
      await assert.rejects(restored('repository'), { code: 'refused' });
      const { sources } = await tick(source);
      assert.deepEqual(sources[0]?.logs?.missing, [{ from: coveredBy(one), to: null }]);
      assert.deepEqual(told(source), ['raised']);
      const { message, remedy } = alert(source);
      assert.ok(message.includes(`can be restored to any time up to ${coveredBy(one)}`), message);
      assert.match(remedy, new RegExp(`--source ${source} --at TIME --from vault`));
      // What it says to do is true.
      assert.ok((await restored('vault')).logs.length >= 3);
      await tick(source);
      assert.deepEqual(told(source), ['raised'], 'it is told again only after a day');
      await cp(path.join(folder, 'vault', two.folder), path.join(test.site.repository, two.folder), {
        recursive: true,
      });
      await tick(source);
      assert.deepEqual(told(source), ['raised', 'resolved']);
      await restored('repository');
      const heard = (await readFile(path.join(folder, 'heard'), 'utf8')).trimEnd().split('\n');
      assert.deepEqual(
        heard.map((line) => posted.parse(JSON.parse(line))),
        hook.received,
      );
    });

    it(`P03 a manifest that cannot be read alerts too; a full that stands behind it ends what is lost (${source})`, async () => {
      const before = told(source).length;
      const [one, two] = [await ship(source), await ship(source)];
      await ship(source);
      await full(source);
      const behind = (await listed('repository')).findLast(
        ({ manifest }) => manifest.source === source && manifest.kind !== 'logs',
      );
      await ship(source);
      assert.deepEqual(told(source).slice(before), []);
      const file = path.join(test.site.repository, two.folder, 'manifest.json');
      const bytes = await readFile(file);
      await writeFile(file, bytes.subarray(0, 100));
      const { sources } = await tick(source);
      assert.deepEqual(told(source).slice(before), ['raised']);
      const to = behind?.manifest.position?.['endedAt'];
      assert.deepEqual(sources[0]?.logs?.missing, [{ from: coveredBy(one), to }]);
      assert.ok(alert(source).message.includes(`until ${String(to)}`), alert(source).message);
      await writeFile(file, bytes);
      await tick(source);
      assert.deepEqual(told(source).slice(before), ['raised', 'resolved']);
    });
  }

  it('P03 all logs that are deleted alert, though nothing is left to have a hole; a copy leads on over what is sealed twice', async () => {
    const before = told('db').length;
    const aside = await allAway('db');
    const newest = await ship('db');
    assert.deepEqual(told('db').slice(before), ['raised']);
    assert.match(alert('db').message, /and to none from there on/);
    const target = { kind: 'time', time: coveredBy(newest) } as const;
    planRecovery({ catalogue: await listed('vault'), source: 'db', target });
    await cp(aside, path.join(test.site.repository, 'logs', 'db'), { recursive: true });
    await tick('db');
    assert.deepEqual(told('db').slice(before), ['raised', 'resolved']);
    planRecovery({ catalogue: await listed('repository'), source: 'db', target });
  });

  it('P03 nothing alerts where the server still has all that was deleted, and it is shipped once more', async () => {
    const before = told('shop').length;
    await allAway('shop');
    const newest = await ship('shop');
    assert.deepEqual(told('shop').slice(before), []);
    const target = { kind: 'time', time: coveredBy(newest) } as const;
    for (const place of ['repository', 'vault'])
      planRecovery({ catalogue: await listed(place), source: 'shop', target });
  });

  async function allAway(source: string): Promise<string> {
    const aside = path.join(folder, `aside-${source}`);
    await rename(path.join(test.site.repository, 'logs', source), aside);
    return aside;
  }

  /** Commits a row, and ships it. */
  async function ship(source: 'db' | 'shop'): Promise<Catalogued> {
    row += 1;
    if (source === 'db') await db.sql(`INSERT INTO t VALUES (${row})`);
    // Until when its logs cover is known to the second.
    else await shop.sql(`SELECT SLEEP(1.1); INSERT INTO shop.t VALUES (${row})`);
    const { outcome, sources } = await tick(source);
    assert.equal(outcome, 'complete', JSON.stringify(sources));
    const reference = sources[0]?.captured?.backup.reference;
    const found = (await listed('repository')).find(({ manifest }) => `logs/${source}/${manifest.id}` === reference);
    assert.ok(found);
    return found;
  }

  async function full(source: string): Promise<void> {
    const { outcome, sources } = await runDaily({ session, site: 'test', scheduled: next(), sources: [source] });
    assert.equal(outcome, 'complete', JSON.stringify(sources));
  }

  function tick(source: string): Promise<RunReport> {
    return runLogs({ session, site: 'test', scheduled: next(), sources: [source] });
  }

  function next(): string {
    last = Math.max(last + 1000, Date.now());
    return wholeSeconds(last);
  }

  function away({ folder: key }: Catalogued): Promise<void> {
    return rm(path.join(test.site.repository, key), { recursive: true });
  }

  function listed(place: string): Promise<readonly Catalogued[]> {
    return listBackups(directoryStore(path.join(folder, place)));
  }

  function told(source: string): readonly string[] {
    return hook.received.filter((each) => each.source === source).map(({ state }) => state);
  }

  function alert(source: string): Posted {
    const found = hook.received.findLast((each) => each.source === source);
    assert.ok(found?.alert === 'logs-missing' && found.remedy);
    return found;
  }
});

function coveredBy({ manifest }: Catalogued): string {
  assert.ok(manifest.coversUntil);
  return manifest.coversUntil;
}
