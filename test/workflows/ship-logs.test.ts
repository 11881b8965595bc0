import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { logsPosition } from '../../activities/sources/postgres/logs/position.ts';
import { slotName } from '../../activities/sources/postgres/logs/slot.ts';
import { listBackups, type Catalogued } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import type { Session } from '../../client/runs/session.ts';
import { taskQueues, type RunReport } from '../../model/run.ts';
import { isBackupError } from '../support/errors.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openSession, runLogs } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';

const WAITS = { workerDeadline: '5s', retryFirst: '100ms', heartbeat: '5s', busy: '0s' };

const metadata = z.object({ currentDetails: z.string() });

describe('shipLogs', () => {
  let folder: string;
  let server: TestPostgres;
  let test: TestSite;
  let session: Session;
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    server = await startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
    await mkdir(path.join(folder, 'files'));
    test = await makeSite({
      folder,
      sources: {
        db: server.config(),
        down: { type: 'postgres', connection: { host: path.join(folder, 'nothing-runs-here') } },
        stack: { type: 'files', paths: [path.join(folder, 'files')] },
      },
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault') },
        remote: { type: 'directory', path: path.join(folder, 'remote') },
        archive: { type: 'directory', path: path.join(folder, 'archive'), tiers: ['monthly', 'yearly'] },
      },
      plans: {
        logs: WAITS,
        daily: { captureDeadline: '10s', copyDeadline: '5s', retryFirst: '100ms', retryMax: '1s' },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await server?.stop();
    await cleanUp();
  });

  it('ships the logs of a source, copies them everywhere, and says until when they cover', async () => {
    const { outcome, sources } = await tick(['db']);
    const [db] = sources;
    assert.equal(outcome, 'complete', JSON.stringify(sources));
    assert.equal(db?.captured?.kind, 'logs');
    assert.ok(Date.now() - Date.parse(db.logs?.coversUntil ?? '') < 60_000);
    assert.deepEqual(
      db.copies.map(({ destination }) => destination),
      ['vault', 'remote'],
      'an archive of months and years takes no logs',
    );
    assert.deepEqual(db.logs?.owed, {});
    for (const place of ['vault', 'remote']) assert.deepEqual(await logsAt(place), await logsAt('repository'));
  });

  it('without a list ships all that have logs, and a failing one says what to do and stops no other', async () => {
    const { outcome, sources } = await tick();
    assert.equal(outcome, 'partial');
    const byName = new Map(sources.map((source) => [source.source, source]));
    assert.deepEqual([...byName.keys()].toSorted(), ['db', 'down']);
    assert.equal(byName.get('db')?.outcome, 'complete');
    const [error] = byName.get('down')?.errors ?? [];
    assert.equal(error?.step, 'ship');
    assert.equal(error.code, 'unreachable', JSON.stringify(error));
    assert.ok(error.remedy);
  });

  it('the next tick does the work of one that failed', async () => {
    await server.stop();
    const failed = await tick(['db']);
    assert.equal(failed.outcome, 'failed');
    await server.start();
    assert.equal((await tick(['db'])).outcome, 'complete');
    await assertWhole();
  });

  it('a destination that was away for three ticks is then served in the order of positions', async () => {
    const vault = path.join(folder, 'vault');
    const before = await logsAt('vault');
    await rename(vault, `${vault}.away`);
    for (const lacking of [1, 2, 3]) {
      const [db] = (await tick(['db'])).sources;
      assert.equal(db?.outcome, 'partial');
      assert.match(db.errors[0]?.step ?? '', /copy to vault/);
      assert.ok(db.errors[0]?.remedy);
      assert.equal((await logsAt('remote')).length, before.length + lacking, 'the other destination waits for nothing');
    }
    await rename(`${vault}.away`, vault);
    const { outcome, sources } = await tick(['db']);
    assert.equal(outcome, 'complete', JSON.stringify(sources));
    const came = (await logsAt('vault')).filter((backup) => !before.includes(backup));
    assert.equal(came.length, 4);
    const arrived = await Promise.all(came.map(async (backup) => (await stat(path.join(vault, backup))).birthtimeMs));
    assert.deepEqual(
      arrived,
      arrived.toSorted((a, b) => a - b),
      'positions are in the order of their names here',
    );
  });

  it('two ticks at once ship nothing twice: one does the work, the other is harmless', async () => {
    const [first, second] = await Promise.all([tick(['db']), tick(['db'])]);
    const outcomes = [first, second].map(({ outcome }) => outcome);
    assert.ok(outcomes.includes('complete'), JSON.stringify([first, second]));
    for (const { sources } of [first, second]) {
      for (const { outcome, errors } of sources) {
        if (outcome !== 'complete')
          assert.deepEqual(
            errors.map(({ code }) => code),
            ['busy'],
          );
      }
    }
    await assertWhole();
  });

  it('a hole starts a full of its source at once, and no second one', async () => {
    await tick(['db']);
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', 'db')}')`);
    for (let round = 0; round < 3; round++) {
      await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i
        ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
      await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
    }
    const [db] = (await tick(['db'])).sources;
    assert.equal(db?.outcome, 'partial');
    assert.match(db.logs?.gap ?? '', /hole in the logs/);
    assert.ok(db.logs?.fullRun);
    const [next] = (await tick(['db'])).sources;
    assert.equal(next?.logs?.gap, null);
    // Sealed by then it is being copied, by its own run.
    assert.ok(next.logs.fullRun === undefined || next.logs.fullOwed !== undefined, JSON.stringify(next));
    const full: RunReport = await session.client.workflow.getHandle(db.logs.fullRun).result();
    assert.equal(full.outcome, 'complete', JSON.stringify(full));
    assert.deepEqual(
      full.sources.map(({ source, captured }) => [source, captured?.kind]),
      [['db', 'full']],
    );
    assert.doesNotMatch(full.runId, /:00Z$/, 'it could be taken for a scheduled one');
    assert.equal((await tick(['db'])).outcome, 'complete');
    assert.equal((await readdir(path.join(test.site.state, 'sources', 'db'))).includes('full-due.json'), false);
  });

  it('refuses sources that there are not, and those without logs', async () => {
    await isBackupError(tick(['nothing']), 'not-found');
    const error = await isBackupError(tick(['stack']), 'config');
    assert.match(error.remedy ?? '', /db/);
  });

  it('a config that stays as it cannot be read fails its tick, with what is wrong, and no other', async () => {
    const text = await readFile(test.file, 'utf8');
    try {
      await writeFile(test.file, text.replace('workerDeadline: 5s', 'workerDeadline: 5'));
      const error = await isBackupError(tick(['db']), 'config');
      assert.match(error.message, /plans\.logs\.workerDeadline/);
    } finally {
      await writeFile(test.file, text);
    }
    assert.equal((await tick(['db'])).outcome, 'complete');
  });

  it('histories stay small, and the details say how each source stands', async () => {
    const { runId } = await tick();
    const handle = session.client.workflow.getHandle(runId);
    const { historyLength } = await handle.describe();
    assert.ok(historyLength <= 35, `${historyLength} events for two sources`);
    const { currentDetails } = metadata.parse(await handle.query('__temporal_workflow_metadata'));
    assert.match(currentDetails, /^\| db \|.*complete/m);
    assert.match(currentDetails, /^\| down \|.*failed/m);
  });

  it('ships on the short queue of the host, where no long capture stands before it', async () => {
    const { runId } = await tick(['db']);
    const { events } = await session.client.workflow.getHandle(runId).fetchHistory();
    const queues = (events ?? []).map(
      (event) => event.activityTaskScheduledEventAttributes?.taskQueue?.name ?? undefined,
    );
    const { short, host } = taskQueues('test', test.site.host);
    assert.equal(queues.filter((name) => name === short).length, 1, String(queues));
    assert.ok(!queues.includes(host), String(queues));
  });

  it('a tick that a schedule starts knows its time from its id', async () => {
    const workflowId = 'logs-2026-11-24T05:55:00Z';
    const input = { site: 'test', plan: 'logs', sources: ['db'] };
    const options = { workflowId, taskQueue: 'test', args: [input] };
    const report: RunReport = await session.client.workflow.execute('shipLogs', options);
    assert.equal(report.runId, workflowId);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
  });

  function tick(sources?: readonly string[]): Promise<RunReport> {
    return runLogs({ session, site: 'test', scheduled: scheduled(), ...(sources ? { sources } : {}) });
  }

  async function shippedAt(place: string): Promise<readonly Catalogued[]> {
    const backups = await listBackups(directoryStore(path.join(folder, place)));
    return backups
      .filter(({ manifest }) => manifest.kind === 'logs')
      .toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished));
  }

  async function logsAt(place: string): Promise<readonly string[]> {
    return (await shippedAt(place)).map((backup) => backup.folder);
  }

  async function assertWhole(): Promise<void> {
    const positions = (await shippedAt('repository')).map(({ manifest }) => logsPosition.parse(manifest.position));
    for (const [index, { startLsn, gap }] of positions.entries()) {
      assert.equal(gap, null);
      if (index > 0) assert.equal(startLsn, positions[index - 1]?.endLsn);
    }
  }
});
