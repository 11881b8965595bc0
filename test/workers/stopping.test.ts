import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { SiteInput } from '../../model/config/site.ts';
import type { RunReport } from '../../model/run.ts';
import { startRun } from '../../client/runs/start.ts';
import { runGraph } from '../../workflows/messages.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { freePort } from '../support/ports.ts';
import { processesOf } from '../support/processes.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { startCommand, type CommandProcess } from '../support/worker-process.ts';

const [FAST, SLOW] = ['1GiB', '100KiB'];
/** Of a slow capture: longer than anybody here waits. */
const BYTES = 8 * 2 ** 20;

const failed = z.object({
  activityTaskFailedEventAttributes: z.object({
    failure: z.object({ applicationFailureInfo: z.object({ type: z.string() }) }),
  }),
});

describe('a worker that is stopped', function () {
  this.timeout(120_000);
  let folder: string;
  let temporal: TemporalProcess;
  let test: TestSite;
  let listen: string;
  const workers: CommandProcess[] = [];
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'large'), randomBytes(BYTES));
    listen = `127.0.0.1:${await freePort()}`;
    const key = path.join(folder, 'slow-key');
    await writeFile(key, '#!/bin/sh\nsleep "$(cat "$1/pause")"\nexec cat "$1/keys/signing.pem"\n', { mode: 0o755 });
    await writeFile(path.join(folder, 'pause'), '0');
    test = await makeSite({
      folder,
      sources: { data: { type: 'files', paths: [data], limits: { maxRate: SLOW } } },
      temporal: { address: temporal.address },
      metrics: { listen },
      worker: { grace: '20s' },
      plans: {
        daily: {
          captureDeadline: '5s',
          copyDeadline: '60s',
          verifyDeadline: '60s',
          retryFirst: '30s',
          retryMax: '30s',
          heartbeat: '3s',
          standstill: '60s',
          busy: '10s',
        },
      },
    });
    await change((config) => ({ ...config, signing: { ...config.signing, key: { command: [key, folder] } } }));
  });

  after(async () => {
    await Promise.all(workers.map((worker) => worker.end()));
    await temporal?.stop();
    await cleanUp();
  });

  it('P49 hands a capture back at once, cleans up, and the next worker makes it, also beyond its deadline', async () => {
    const first = await started();
    const run = await begin();
    await until('a capture at work beyond its deadline', async () => {
      const [pending] = await pendingOf(run);
      const since = Number(pending?.lastStartedTime?.seconds ?? Infinity) * 1000;
      return Boolean(pending?.lastHeartbeatTime) && Date.now() - since > 6000;
    });
    const stopping = Date.now();
    first.kill('SIGTERM');
    assert.equal((await first.ended).code, 0, first.output());
    assert.ok(Date.now() - stopping < 15_000, 'it waits for no capture, and not for the grace of short steps');
    assert.match(first.output(), /long ones are handed back/);
    assert.deepEqual(processesOf(folder), [], 'its programs have ended');
    assert.deepEqual(await readdir(path.join(folder, 'repository', '.staging')), []);

    await change(withRate(FAST));
    const resumed = Date.now();
    await started();
    const report = await run.result();
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.ok(Date.now() - resumed < 25_000, 'the pause of a failed attempt (30 s) is not waited for');
    assert.deepEqual(report.errors, []);
    const steps = (await childOf(run).query(runGraph)).steps.map(({ id, attempts, state }) => [id, attempts, state]);
    assert.deepEqual(steps[0], ['data/capture', 2, 'done']);
    const { events } = await childOf(run).fetchHistory();
    const types = (events ?? []).flatMap(
      (event) => failed.safeParse(event).data?.activityTaskFailedEventAttributes ?? [],
    );
    assert.deepEqual(
      types.map(({ failure }) => failure.applicationFailureInfo.type),
      ['handed-back'],
      'nothing has failed',
    );
  });

  it('lets a short step end: the recovery point that is being signed is signed, once', async () => {
    const worker = await restart();
    // Everything that signs takes a while now: the capture, the evidence, and the recovery point last.
    await writeFile(path.join(folder, 'pause'), '1');
    const run = await begin();
    // Temporal calls it started once it has sent it: a worker that is stopped before it has come knows nothing of it. At work it reads the key.
    await until('the recovery point to be signed', async () => {
      const pending = await pendingOf(run, 'run');
      const isSigned = pending.some((one) => one.activityType?.name === 'signRecoveryPoint' && one.lastStartedTime);
      return isSigned && processesOf(folder).some(({ args }) => args.some((word) => word.endsWith('slow-key')));
    });
    worker.kill('SIGTERM');
    assert.equal((await worker.ended).code, 0, worker.output());
    await writeFile(path.join(folder, 'pause'), '0');
    const points = await readdir(path.join(folder, 'repository', 'recovery-points'));
    assert.ok(points.includes(`${run.workflowId}.json`), `it was written before the worker ended: ${worker.output()}`);
    const [left] = await pendingOf(run, 'run');
    assert.equal(left, undefined, 'and Temporal knows');
    await started();
    assert.equal((await run.result()).outcome, 'complete');
  });

  it('has its metrics at one address, and a restart forgets none of them', async () => {
    const before = await metrics();
    const labels = 'site="test",source="data",plan="daily",destination';
    for (const name of ['backup_last_success_timestamp', 'backup_duration_seconds', 'backup_size_bytes'])
      for (const place of ['repository', 'vault'])
        assert.ok(valueOf(before, `${name}{${labels}="${place}"}`) > 0, `${name} ${place}`);
    const failures = `backup_failure_total{${labels}=""}`;
    assert.equal(valueOf(before, failures), 0);
    assert.match(before, /^temporal_worker_task_slots_available\{.*task_queue="test\.local\.copies"/m, "the SDK's too");

    await change(({ plans, ...config }) => ({
      ...config,
      plans: { daily: { ...plans?.daily, captureDeadline: '1s', retryFirst: '100ms' } },
      sources: { data: { type: 'files', paths: [path.join(folder, 'nothing')] } },
    }));
    const run = await begin();
    assert.equal((await run.result()).outcome, 'partial', "the host's own files are there");
    await until('the failure to be counted', async () => valueOf(await metrics(), failures) === 1);
    await change(withRate(FAST));
    assert.equal((await (await begin(run.workflowId)).result()).outcome, 'complete', 'made up for');
    await restart();
    const after = await metrics();
    assert.equal(
      valueOf(after, failures),
      1,
      'that it failed once stays known, though its recovery point was replaced',
    );
    const newest = `backup_last_success_timestamp{${labels}="vault"}`;
    assert.ok(valueOf(after, newest) > valueOf(before, newest));
    assert.equal((await fetch(`http://${listen}/`)).status, 404);
  });

  it('a slow destination keeps neither a slot of captures, nor what comes after, nor the next phase; what waits there for its turn says so', async () => {
    const [data, more] = [path.join(folder, 'data'), path.join(folder, 'more')];
    await mkdir(more);
    await writeFile(path.join(more, 'file'), 'small');
    await writeFile(path.join(data, 'another'), randomBytes(BYTES));
    // The small one second: its own copy would be over before the other's begins.
    await change((config) => ({
      ...config,
      worker: { captures: 1 },
      plans: { daily: { ...config.plans?.daily, captureDeadline: '60s' } },
      sources: {
        data: { type: 'files', paths: [data] },
        more: { type: 'files', paths: [more], after: ['data'] },
        later: { type: 'files', paths: [more], group: 'configs' },
      },
      destinations: {
        vault: {
          type: 'directory',
          path: path.join(folder, 'vault'),
          copies: 1,
          windows: [
            { from: '00:00', to: '12:00', maxRate: SLOW },
            { from: '12:00', to: '00:00', maxRate: SLOW },
          ],
        },
      },
    }));
    await restart();
    const run = await begin();
    const phases = await until('one copy at work and two that wait', async () => {
      const pending = await Promise.all(['data', 'more', 'later'].map((source) => pendingOf(run, source)));
      const found = pending.flat().map(({ heartbeatDetails }) => phaseOf(heartbeatDetails?.payloads?.[0]?.data));
      const turns = found.filter((phase) => phase === 'waiting for its turn');
      return turns.length === 2 && found.some((phase) => phase?.startsWith('copying')) && found;
    });
    assert.equal(phases.length, 3, 'all are captured, with one slot for captures');
    await run.cancel();
    await assert.rejects(run.result());
  });

  async function started(): Promise<CommandProcess> {
    const worker = startCommand({ args: ['-c', test.file, 'worker'], owner: folder });
    workers.push(worker);
    await worker.printed('serves test');
    return worker;
  }

  async function restart(): Promise<CommandProcess> {
    await workers.at(-1)?.end();
    return started();
  }

  async function begin(id?: string): Promise<WorkflowHandle<() => Promise<RunReport>>> {
    const time = id?.slice('daily-'.length) ?? scheduled();
    return startRun(client(), { site: 'test', plan: 'daily', scheduled: time });
  }

  function client(): Client {
    return temporal.client();
  }

  function childOf({ workflowId }: { readonly workflowId: string }, source = 'data'): WorkflowHandle {
    return client().workflow.getHandle(`${workflowId}/${source}`);
  }

  /** Of a source's workflow, or of the run's own. */
  async function pendingOf(run: WorkflowHandle, of = 'data') {
    try {
      const { raw } = await (of === 'run' ? run : childOf(run, of)).describe();
      return (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name !== 'ping');
    } catch (error) {
      if (error instanceof Error && /not found/i.test(error.message)) return [];
      throw error;
    }
  }

  async function change(how: (config: SiteInput) => SiteInput): Promise<void> {
    const config = parse(await readFile(test.file, 'utf8')) as SiteInput;
    await writeFile(test.file, stringify(how(config)));
  }

  async function metrics(): Promise<string> {
    const response = await fetch(`http://${listen}/metrics`);
    assert.equal(response.status, 200);
    return response.text();
  }

  function withRate(maxRate: string): (config: SiteInput) => SiteInput {
    const data = path.join(folder, 'data');
    return (config) => ({ ...config, sources: { data: { type: 'files', paths: [data], limits: { maxRate } } } });
  }
});

/** The value of one sample; NaN where there is none. */
function valueOf(text: string, sample: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1));
}

/** What a heartbeat says that goes on. */
function phaseOf(data: Uint8Array | null | undefined): string | undefined {
  // A heartbeat may have nothing to say.
  if (!data || data.length === 0) return undefined;
  return z.object({ phase: z.string() }).safeParse(JSON.parse(Buffer.from(data).toString())).data?.phase;
}
