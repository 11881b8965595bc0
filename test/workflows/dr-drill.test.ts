import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import type { DrilledSource, DrillReport } from '../../model/drill/drill.ts';
import { wholeSeconds } from '../../model/time.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { openSession, runDaily, runDrill, runLogs } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';

describe('drDrill', function () {
  this.timeout(120_000);
  let folder: string;
  let db: TestPostgres;
  let cache: TestRedis;
  let test: TestSite;
  let session: Session;

  before(async () => {
    folder = await temporaryFolder();
    for (const name of ['pg', 'redis', 'wiki']) await mkdir(path.join(folder, name));
    [db, cache] = await Promise.all([
      startPostgres({ folder: path.join(folder, 'pg') }),
      startRedis({ folder: path.join(folder, 'redis') }),
    ]);
    await db.sql('CREATE TABLE t (id int); INSERT INTO t VALUES (1)');
    await cache.run('SET', 'key', 'value');
    await writeFile(path.join(folder, 'wiki', 'page'), 'a page');
    const directory = (name: string) => ({ type: 'directory', path: path.join(folder, name) }) as const;
    test = await makeSite({
      folder,
      sources: {
        db: { ...db.config(), objectives: { rpo: '5m', rto: '10m' } },
        cache: { ...cache.config(), after: ['db'] },
        wiki: { type: 'files', paths: [path.join(folder, 'wiki')], objectives: { rto: '1ms' } },
      },
      destinations: { vault: directory('vault'), second: directory('second') },
      plans: {
        drill: { scratch: path.join(folder, 'scratch'), deadline: '10s', retryFirst: '100ms', retryMax: '200ms' },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
    const scheduled = wholeSeconds(Date.now());
    assert.equal((await runDaily({ session, site: 'test', scheduled })).outcome, 'complete');
    await db.sql('INSERT INTO t VALUES (2)');
    assert.equal((await runLogs({ session, site: 'test', scheduled: wholeSeconds(Date.now()) })).outcome, 'complete');
  });

  after(async () => {
    await session?.close();
    await Promise.all([db?.stop(), cache?.stop()]);
    await cleanUp();
  });

  it('recovers the whole stack from destinations alone, in order, measures it, and leaves nothing', async () => {
    const { repository } = test.site;
    await rename(repository, `${repository}.gone`);
    const report = await drill({ scenario: 'host-lost' }).finally(() => rename(`${repository}.gone`, repository));
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 2));
    for (const { choice, probes, rto } of report.sources) {
      assert.equal(choice?.place, 'vault');
      assert.ok(probes.length > 0 && probes.every(({ ok }) => ok));
      assert.ok(rto !== null && report.rto !== null && rto <= report.rto);
    }
    const [pg, redis] = ['db', 'cache'].map((source) => one(report, source));
    assert.equal(pg?.choice?.at, 'end');
    assert.ok((ended(pg, 'probe') ?? '') <= (started(redis, 'fetch') ?? ''), 'cache is to come after db');
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    const graph = await readGraph(session.client, report.runId);
    assert.deepEqual(
      graph?.steps.filter(({ state }) => state !== 'done').map(({ id, state }) => [id, state]),
      [],
    );
  });

  let seconds = 0;
  function drill(options: Pick<Parameters<typeof runDrill>[0], 'scenario' | 'at' | 'manual'>): Promise<DrillReport> {
    const scheduled = wholeSeconds(Date.now() - (seconds += 1000));
    return runDrill({ session, site: 'test', scheduled, ...options });
  }
});

function one({ sources }: DrillReport, name: string): DrilledSource | undefined {
  return sources.find(({ source }) => source === name);
}

function started(source: DrilledSource | undefined, step: string): string | null | undefined {
  return source?.steps.find(({ name }) => name === step)?.started;
}

function ended(source: DrilledSource | undefined, step: string): string | null | undefined {
  return source?.steps.find(({ name }) => name === step)?.ended;
}
