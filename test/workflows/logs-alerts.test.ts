import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Session } from '../../client/runs/session.ts';
import { slotName } from '../../activities/sources/postgres/logs/slot.ts';
import type { RunReport } from '../../model/run.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { openSession, runLogs } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { posted, startWebhook, type Posted, type Webhook } from '../support/webhook.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';

const CANARY = 'canary-of-a-secret-address';
/** Of an interval of 20 s: what stands for three intervals of five minutes. */
const STALLED = 4000;

describe('alerts of the shipping of logs', () => {
  let server: TestPostgres;
  let shop: TestMariadb;
  let hook: Webhook;
  /** What the command of a notifier wrote. */
  let heard: string;
  let test: TestSite;
  let session: Session;
  const scheduled = scheduledTimes();

  before(async () => {
    const folder = await temporaryFolder();
    const other = path.join(folder, 'mariadb');
    await mkdir(other);
    [server, shop, hook] = await Promise.all([
      startPostgres({ folder, settings: { max_slot_wal_keep_size: '1GB' } }),
      startMariadb({ folder: other }),
      startWebhook(),
    ]);
    heard = path.join(folder, 'heard');
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
    const url = path.join(folder, 'webhook');
    await writeFile(url, `http://127.0.0.1:${hook.port}/${CANARY}\n`, { mode: 0o600 });
    test = await makeSite({
      folder,
      sources: { db: server.config('socket', { logs: { deadline: '10s' } }), shop: shop.config() },
      notify: [
        { type: 'webhook', url: { file: url } },
        { type: 'command', command: ['sh', '-c', 'exit 3'] },
        { type: 'command', command: ['sh', '-c', `cat >> ${heard}`] },
      ],
      plans: {
        logs: {
          every: '20s',
          stalledAfter: STALLED / 20_000,
          remindAfter: '1h',
          spareSpace: '1B',
          workerDeadline: '5s',
          retryFirst: '50ms',
          heartbeat: '5s',
        },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await Promise.all([server?.stop(), shop?.stop('immediate'), hook?.stop()]);
    await cleanUp();
  });

  it('P06 stalled shipping alerts within minutes: once, and says when it is over', async () => {
    assert.equal((await tick()).outcome, 'complete');
    await server.stop();
    assert.equal((await tick()).outcome, 'failed');
    assert.deepEqual(alerts(), [], "one failure is the next tick's");
    await pause(STALLED);
    const stalled = await tick();
    assert.deepEqual(alerts(), ['raised logs-stalled db']);
    assert.match(hook.received[0]?.message ?? '', /have not been shipped for .*ship: /);
    assert.ok(hook.received[0]?.remedy);
    await tick();
    assert.equal(alerts().length, 1, 'it is told again only after an hour');
    await server.start();
    const back = await tick();
    assert.deepEqual(alerts(), ['raised logs-stalled db', 'resolved logs-stalled db']);
    // The other notifier failed: the report says so, and the shipping is what it is without it.
    assert.equal(back.outcome, 'complete');
    assert.deepEqual(
      stalled.errors.map(({ step, code }) => [step, code]),
      [['notify[1]', 'program-failed']],
    );
    const history = await session.client.workflow.getHandle(stalled.runId).fetchHistory();
    const payloads = textsIn(history);
    assert.match(payloads, /ship the logs of db/, 'what is searched must be readable');
    assert.doesNotMatch(payloads, new RegExp(CANARY));
  });

  it('P06 a server that hangs keeps no other source from its shipping and its copies, and alerts', async () => {
    await tick();
    const before = alerts().length;
    const { pid } = server.server();
    process.kill(pid, 'SIGSTOP');
    try {
      await shop.sql('CREATE DATABASE IF NOT EXISTS shop; CREATE OR REPLACE TABLE shop.t (id int)');
      const hung = await tick(['db', 'shop']);
      const [db, other] = hung.sources;
      assert.deepEqual([db?.source, db?.outcome, other?.source, other?.outcome], ['db', 'failed', 'shop', 'complete']);
      assert.deepEqual(
        other?.copies.map(({ destination }) => destination),
        ['vault'],
      );
      assert.match(db?.errors[0]?.message ?? '', /did not end within|does not answer|timeout/);
      await pause(STALLED);
      await tick();
      assert.deepEqual(alerts().slice(before), ['raised logs-stalled db']);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    assert.equal((await tick()).outcome, 'complete');
    assert.deepEqual(alerts().slice(before), ['raised logs-stalled db', 'resolved logs-stalled db']);
  }).timeout(120_000);

  it('P03 and P06 a slot that was lost alerts, also where no WAL is missing', async () => {
    await tick();
    const before = alerts().length;
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', 'db')}')`);
    assert.equal((await tick()).outcome, 'complete');
    assert.deepEqual(alerts().slice(before), ['raised slot-lost db']);
    await tick();
    assert.equal(alerts().length, before + 1, 'it is told once');
  });

  it('P21 a purged binary log alerts at once, by webhook and by command, and a full is made', async () => {
    await shop.sql('CREATE DATABASE IF NOT EXISTS shop; CREATE OR REPLACE TABLE shop.t (id int)');
    await tick(['shop']);
    await shop.sql(
      'INSERT INTO shop.t VALUES (1); FLUSH BINARY LOGS; INSERT INTO shop.t VALUES (2); FLUSH BINARY LOGS',
    );
    const names = async () => (await shop.sql('SHOW BINARY LOGS')).map((line) => line.split('\t')[0] ?? '');
    const last = (await names()).at(-1) ?? '';
    await until('the files are purged', async () => {
      await shop.sql(`FLUSH ENGINE LOGS; PURGE BINARY LOGS TO '${last}'`);
      return (await names())[0] === last;
    });
    const failed = await tick(['shop']);
    assert.equal(failed.outcome, 'failed');
    assert.deepEqual(ofShop(), ['raised logs-conflict shop']);
    assert.match(told('logs-conflict')?.message ?? '', /The binary logs have a hole/);
    const next = await tick(['shop']);
    assert.deepEqual(ofShop(), ['raised logs-conflict shop', 'raised logs-hole shop', 'resolved logs-conflict shop']);
    assert.match(told('logs-hole')?.remedy ?? '', /binlog_expire_logs_seconds/);
    const { events } = await session.client.workflow.getHandle(next.runId).fetchHistory();
    const telling = events
      ?.map(({ activityTaskScheduledEventAttributes: each }) => each)
      .find((each) => each?.activityType?.name === 'tellLogs');
    assert.ok(
      Number(telling?.scheduleToCloseTimeout?.seconds) >= 600,
      'no other tick tells of the hole: a machine that restarts is waited for',
    );
    const heardAlerts = (await readFile(heard, 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      heardAlerts.map((line) => posted.parse(JSON.parse(line))),
      hook.received,
    );
    const full = next.sources[0]?.logs?.fullRun;
    assert.ok(full);
    await session.client.workflow.getHandle(full).result();
    assert.equal((await tick(['shop'])).outcome, 'complete');
  }).timeout(120_000);

  it('P03 a slot that was lost alerts by the hole that it made', async () => {
    await tick();
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', 'db')}')`);
    for (let round = 0; round < 3; round++) {
      await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i
        ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
      await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
    }
    const before = alerts().length;
    const { sources, outcome } = await tick();
    assert.equal(outcome, 'partial');
    assert.deepEqual(alerts().slice(before), ['raised logs-hole db', 'raised slot-lost db']);
    await tick();
    assert.equal(alerts().length, before + 2, 'a hole is told once');
    const full = sources[0]?.logs?.fullRun;
    assert.ok(full);
    await session.client.workflow.getHandle(full).result();
  });

  it('little free space of a server alerts, of either engine, and says when there is room again', async () => {
    const config = await readFile(test.file, 'utf8');
    const more = config.replace(/^( *)("?)spareSpace.*$/m, '$&\n$1$2serverSpace$2: 900TiB');
    assert.notEqual(more, config);
    const spaces = () => alerts().filter((each) => each.includes('server-space'));
    await writeFile(test.file, more);
    try {
      await tick(['db', 'shop']);
    } finally {
      await writeFile(test.file, config);
    }
    assert.deepEqual(spaces().toSorted(), ['raised server-space db', 'raised server-space shop']);
    const raised = hook.received.filter(({ alert }) => alert === 'server-space').map(({ message }) => message);
    assert.ok(
      [server.data, shop.data].every((data) => raised.some((message) => message.includes(data))),
      raised.join(),
    );
    await tick(['db', 'shop']);
    assert.deepEqual(spaces().slice(2).toSorted(), ['resolved server-space db', 'resolved server-space shop']);
  }).timeout(120_000);

  /** That a slow machine takes longer than the short time of this test is not the point. */
  function ofShop(): readonly string[] {
    return alerts().filter((each) => each.endsWith(' shop') && !each.includes('logs-stalled'));
  }

  function told(alert: string): Posted | undefined {
    return hook.received.findLast((each) => each.alert === alert && each.source === 'shop');
  }

  function alerts(): readonly string[] {
    return hook.received.map(({ alert, state, source }) => `${state} ${alert} ${source}`);
  }

  function tick(sources: readonly string[] = ['db']): Promise<RunReport> {
    return runLogs({ session, site: 'test', scheduled: scheduled(), sources });
  }
});

/** All payloads of a history as texts: JSON would show their bytes as numbers. */
function textsIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(textsIn).join('\n');
}
