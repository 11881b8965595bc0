import assert from 'node:assert/strict';
import { logsPosition } from '../../activities/sources/postgres/logs/position.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { startRun } from '../../client/runs/start.ts';
import type { RunReport } from '../../model/run.ts';
import path from 'node:path';
import { ship } from '../activities/sources/postgres/backups.ts';
import { letGo } from '../activities/sources/postgres/let-go.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { killedWorkers, type KilledWorkers } from '../support/killed-workers.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { atPoint, type SignalPoint } from '../support/worker-process.ts';
import { scheduledTimes } from '../support/scheduled.ts';

const WAITS = { workerDeadline: '2s', retryFirst: '100ms', heartbeat: '2s', busy: '0s' };

describe('shipLogs, its worker killed in the middle of a tick', () => {
  let workers: KilledWorkers;
  let server: TestPostgres;
  let folder: string;
  let test: TestSite;
  const scheduled = scheduledTimes();
  let kills = 0;

  before(async () => {
    folder = await temporaryFolder();
    [workers, server] = await Promise.all([
      killedWorkers(folder),
      startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } }),
    ]);
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
    test = await makeSite({
      folder,
      sources: { db: server.config() },
      plans: { logs: WAITS },
      temporal: { address: workers.temporal.address },
    });
    await ship(test.site, '2026-11-23T01:55:00Z');
  });

  after(async () => {
    await workers?.stop();
    await server?.stop();
    await cleanUp();
  });

  for (const point of [
    { at: 'activities/sources/postgres/logs/pack.ts#pack' },
    { at: 'activities/storage/repository.ts#sealBackup', when: 'left' },
    { at: 'activities/operations/copy.ts#copyBackup' },
  ] satisfies readonly SignalPoint[]) {
    it(`P51 no segment is lost, and the next tick does its work (${point.at})`, async () => {
      await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i
        ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
      await letGo(test.site, server);
      const reached = path.join(folder, `reached-${kills++}`);
      const dying = await workers.worker(test.file, { point, reached });
      const cutOff = await tick();
      await atPoint(dying, point, reached);
      const living = await workers.worker(test.file);
      // Either its second attempt did the work, or it had ended before a worker was there again: it holds nothing up.
      const ended: RunReport = await cutOff.result();
      assert.ok(ended.outcome !== null, JSON.stringify(ended));
      const next = await (await tick()).result();
      assert.equal(next.outcome, 'complete', JSON.stringify(next));
      await assertWhole('repository');
      await assertWhole('vault');
      await living.end();
    });
  }

  function tick() {
    return startRun(workers.temporal.client(), { site: 'test', plan: 'logs', scheduled: scheduled() });
  }

  async function assertWhole(place: string): Promise<void> {
    const logs = (await listBackups(directoryStore(path.join(folder, place))))
      .map(({ manifest }) => manifest)
      .filter(({ kind }) => kind === 'logs')
      .toSorted((a, b) => a.finished.localeCompare(b.finished))
      .map(({ position }) => logsPosition.parse(position));
    assert.ok(logs.length > 0);
    for (const [index, { startLsn, gap }] of logs.entries()) {
      assert.equal(gap, null);
      if (index > 0) assert.equal(startLsn, logs[index - 1]?.endLsn, `a hole at ${place}`);
    }
  }
});
