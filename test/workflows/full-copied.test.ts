import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { slotName } from '../../activities/sources/postgres/logs/slot.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { startRun } from '../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import type { RunReport, SourceReport } from '../../model/run.ts';
import { capture, ship, SOURCE } from '../activities/sources/postgres/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startManaged, type ManagedPostgres } from '../support/managed-postgres.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../support/worker-process.ts';

const LOGS = { workerDeadline: '10s', retryFirst: '100ms', heartbeat: '2s', busy: '5s' };
const DAILY = { copyDeadline: '2s', retryFirst: '100ms', retryMax: '500ms', heartbeat: '2s' };
const CHILD = fileURLToPath(new URL('../activities/operations/in-place/in-child.ts', import.meta.url));
const SIGNAL_AT = fileURLToPath(new URL('../support/signal-at.mjs', import.meta.url));
/** Of a full alone: logs are copied by other steps. */
const COPY = 'activities/operations/copy-to.ts#copyToDestination';

/** A destination without a copy of it leads to the time before the hole, or before the restore in place. */
describe('a full behind a hole whose copies were cut off', function () {
  this.timeout(240_000);
  let temporal: TemporalProcess;
  let server: ManagedPostgres;
  let folder: string;
  let test: TestSite;
  let minute = 0;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    [temporal, server] = await Promise.all([startTemporal(folder), startManaged({ folder })]);
    await ensureSearchAttributes({
      connection: { address: temporal.address },
      namespace: 'default',
      ui: null,
    });
    test = await makeSite({
      folder,
      sources: { [SOURCE]: server.config() },
      plans: { logs: LOGS, daily: DAILY },
      temporal: { address: temporal.address },
    });
    await server.sql('CREATE TABLE t (id int PRIMARY KEY, body text)');
    await ship(test.site, '2026-11-23T01:55:00Z');
    await capture(test.site, '2026-11-23T02:00:00Z');
  });
  after(async () => {
    for (const worker of started) if (worker.running()) await worker.end();
    await server?.end();
    await temporal?.stop();
    await cleanUp();
  });

  it('P54 by a SIGKILL behind a restore in place: the next tick has it copied, and makes no other', async () => {
    const args = ['--import', SIGNAL_AT, CHILD, test.file, 'restore-and-back-up'];
    const env = { ...process.env, SIGNAL_AT: COPY, SIGNAL_ONCE: path.join(folder, 'reached-in-place') };
    const [, signal] = await once(spawn(process.execPath, args, { stdio: 'inherit', env }), 'exit');
    assert.equal(signal, 'SIGKILL', `it never came to ${COPY}`);
    const fulls = await fullsAt('repository');
    assert.equal(fulls.length, 2);
    assert.deepEqual(await fullsAt('vault'), []);

    const worker = await aWorker();
    const db = await tick();
    assert.deepEqual(db.logs?.fullOwed, ['vault']);
    const copied: SourceReport = await temporal
      .client()
      .workflow.getHandle(db.logs.fullRun ?? '')
      .result();
    assert.equal(copied.outcome, 'complete', JSON.stringify(copied));
    assert.equal(copied.captured?.existed, true);
    assert.deepEqual(await fullsAt('vault'), fulls.slice(1));
    assert.equal((await tick()).outcome, 'complete');
    assert.deepEqual(await fullsAt('repository'), fulls);
    await isForgotten();
    await worker.end();
  });

  it('P03 by a SIGKILL behind a hole, the destination away for long: no second full, and the copy is not forgotten', async () => {
    await hole();
    const before = await fullsAt('repository');
    const dying = await aWorker({ at: COPY });
    const begun = await start();
    await atPoint(dying, { at: COPY }, path.join(folder, `reached-${started.length}`));
    const sealed = await fullsAt('repository');
    assert.equal(sealed.length, before.length + 1);
    await rename(path.join(folder, 'vault'), path.join(folder, 'away'));

    const worker = await aWorker();
    const hole_ = await result(begun);
    const full = hole_.logs?.fullRun ?? '';
    const report: RunReport = await temporal.client().workflow.getHandle(full).result();
    assert.equal(report.outcome, 'partial', 'it gave up at the deadline of its copies');
    const first = await tick();
    assert.deepEqual(first.logs?.fullOwed, ['vault']);
    assert.equal(first.outcome, 'partial');
    const again: SourceReport = await temporal
      .client()
      .workflow.getHandle(first.logs.fullRun ?? '')
      .result();
    assert.match(again.errors[0]?.step ?? '', /copy to vault/);
    const second = await tick();
    assert.deepEqual(second.logs?.fullOwed, ['vault']);
    assert.equal(second.logs.fullRun, undefined, 'each tick has it tried again');

    await rename(path.join(folder, 'away'), path.join(folder, 'vault'));
    await anHourLater();
    const third = await tick();
    const copied: SourceReport = await temporal
      .client()
      .workflow.getHandle(third.logs?.fullRun ?? '')
      .result();
    assert.equal(copied.outcome, 'complete', JSON.stringify(copied));
    assert.equal((await fullsAt('vault')).at(-1), sealed.at(-1));
    assert.equal((await tick()).outcome, 'complete');
    assert.deepEqual(await fullsAt('repository'), sealed);
    await isForgotten();
    await worker.end();
  });

  /** The slot is dropped, and the server lets go of what it kept. */
  async function hole(): Promise<void> {
    await server.sql(`SELECT pg_drop_replication_slot('${slotName('test', SOURCE)}')`);
    for (let round = 0; round < 3; round++) {
      await server.sql(`INSERT INTO t SELECT i, repeat(md5(i::text), 20) FROM generate_series(1, 20000) i
        ON CONFLICT (id) DO UPDATE SET body = md5(random()::text)`);
      await server.sql('SELECT pg_switch_wal(); CHECKPOINT');
    }
  }

  async function aWorker(point?: SignalPoint): Promise<CommandProcess> {
    const reached = path.join(folder, `reached-${started.length + 1}`);
    const args = ['-c', test.file, 'worker'];
    const made = startCommand({ args, owner: folder, ...(point ? { point, reached } : {}) });
    started.push(made);
    await made.printed('serves');
    return made;
  }

  function start() {
    const scheduled = new Date(Date.UTC(2026, 10, 23, 3, 5 * minute++)).toISOString().replace('.000Z', 'Z');
    return startRun(temporal.client(), { site: 'test', plan: 'logs', scheduled });
  }

  async function result(run: Awaited<ReturnType<typeof start>>): Promise<SourceReport> {
    const [source] = (await run.result()).sources;
    return source ?? assert.fail('a tick without a source');
  }

  async function tick(): Promise<SourceReport> {
    return result(await start());
  }

  async function fullsAt(place: string): Promise<readonly string[]> {
    const backups = await listBackups(directoryStore(path.join(folder, place)), { logs: false });
    return backups
      .toSorted((a, b) => a.manifest.started.localeCompare(b.manifest.started))
      .map((backup) => backup.folder);
  }

  function note(): string {
    return path.join(test.site.state, 'sources', SOURCE, 'full-due.json');
  }

  /** As if the last tick that asked had been an hour ago. */
  async function anHourLater(): Promise<void> {
    const written = z
      .looseObject({ asked: z.looseObject({ at: z.string() }) })
      .parse(JSON.parse(await readFile(note(), 'utf8')));
    const at = new Date(Date.parse(written.asked.at) - 3_600_000).toISOString();
    await writeFile(note(), JSON.stringify({ ...written, asked: { ...written.asked, at } }));
  }

  async function isForgotten(): Promise<void> {
    await until('the note is gone', async () =>
      readFile(note()).then(
        () => false,
        () => true,
      ),
    );
  }
});
