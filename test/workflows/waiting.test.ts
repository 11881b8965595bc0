import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { loadSite } from '../../activities/config/load.ts';
import { cancelRun } from '../../client/runs/decide.ts';
import { readGraph } from '../../client/runs/graph.ts';
import { ownSession, type Session } from '../../client/runs/session.ts';
import { startRun } from '../../client/runs/start.ts';
import type { GraphStep, RunGraph } from '../../model/graph.ts';
import { recoveryPoint } from '../../model/recovery-point.ts';
import type { RunReport } from '../../model/run.ts';
import { ofClient } from '../../client/cli/of-client.ts';
import { startWorker } from '../../workers/worker.ts';
import { SITE } from '../../workflows/search-attributes.ts';
import { mosaicHere } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';
import { testWork } from '../support/work.ts';

const metadata = z.looseObject({ currentDetails: z.string() });
const printed = z.looseObject({
  runs: z.array(z.looseObject({ id: z.string(), state: z.string(), from: z.string(), waiting: z.array(z.string()) })),
});

describe('steps that wait', function () {
  this.timeout(120_000);
  let folder: string;
  let file: string;
  let session: Session;
  let hook: Webhook;
  let made = 0;
  let deleted: string;

  before(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    const data = path.join(folder, 'data');
    for (const source of ['good', 'late', 'other']) await fill(path.join(data, source));
    await rename(path.join(data, 'late'), path.join(data, 'away'));
    const files = (name: string) => ({
      type: 'files' as const,
      host: name === 'other' ? 'far' : 'near',
      paths: [path.join(data, name)],
    });
    ({ file } = await makeSite({
      folder,
      hosts: {
        near: {},
        far: { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') },
      },
      coordinator: 'near',
      sources: { good: files('good'), late: files('late'), other: files('other') },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: {
        // So long that nothing but an operator ends a pause.
        daily: {
          captureDeadline: '10m',
          copyDeadline: '10m',
          retryFirst: '5m',
          retryMax: '5m',
          alertAfter: '1ms',
          heartbeat: '5s',
        },
        restoreTest: { retryFirst: '5m', retryMax: '5m', alertAfter: '1ms', heartbeat: '5s' },
      },
      temporal: await ownTemporal(),
    }));
    const openSite = () => siteOf('near');
    session = await ownSession({ site: await openSite(), openSite, log: testWork().log });
    // The server deletes in its own time: half a minute, beside everything else.
    deleted = await start(['good']);
    await ended(deleted);
    await session.client.workflowService.deleteWorkflowExecution({
      namespace: session.endpoint.namespace,
      workflowExecution: { workflowId: deleted },
    });
  });

  after(async () => {
    await session?.close();
    await hook?.stop();
    await cleanUp();
  });

  // What a failed test has left would keep the turn of the next one.
  afterEach(async () => {
    for await (const { workflowId } of session.client.workflow.list({
      query: `WorkflowType = 'dailyBackup' AND ExecutionStatus = 'Running'`,
    }))
      await mosaicHere(['-c', file, '--host', 'near', 'runs', 'cancel', workflowId]);
  });

  it('one that fails is shown with its error, its remedy and its times, and done at once when an operator says so', async () => {
    const run = await start(['good', 'late']);
    const waiting = await waits(run, 'late/capture');
    assert.match(waiting.error?.message ?? '', /late/);
    assert.ok(waiting.error?.remedy);
    assert.equal(waiting.attempts, 1);
    assert.ok(Date.parse(waiting.next ?? '') > Date.now() + 200_000, 'its pause is as the config says');
    const text = await details(run);
    assert.match(
      text,
      /^\*\*late\/capture waits\*\*: .*late.*\n\nWhat to do: .+\n\nIt is tried again, until 20.+`retry` and `skip`/m,
    );
    assert.match(text, /^\| late \| waiting \|/m);
    const shown = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'show', run]);
    assert.match(shown.stdout, /! capture: waiting.*\n +.*late.*\(again 20.*\n +What to do: /);
    const list = printed.parse(
      JSON.parse((await mosaicHere(['-c', file, '--host', 'near', '--json', 'runs', 'list'])).stdout),
    );
    assert.deepEqual(
      list.runs.filter(({ id }) => id === run).map(({ state, waiting: on }) => [state, on]),
      [['waiting', ['late/capture']]],
    );

    const before = Date.now();
    await rename(path.join(folder, 'data', 'away'), path.join(folder, 'data', 'late'));
    const retried = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'retry', run, '--step', 'late/capture']);
    assert.equal(retried.code, 0, retried.stderr);
    const report = await ended(run);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.ok(Date.now() - before < 60_000);
    const steps = new Map((await graph(run)).steps.map((step) => [step.id, step]));
    assert.deepEqual(
      [...steps.values()].filter(({ state }) => state !== 'done'),
      [],
    );
    assert.equal(steps.get('late/capture')?.attempts, 2);
    assert.deepEqual(steps.get('recovery-point')?.after.toSorted(), ['good/verify', 'late/verify']);
    await rename(path.join(folder, 'data', 'late'), path.join(folder, 'data', 'away'));
  });

  it('one that finds the config broken waits for that too, and goes on when it is mended', async () => {
    const config = await readFile(file, 'utf8');
    const run = await start(['late']);
    await waits(run, 'late/capture');
    await rename(path.join(folder, 'data', 'away'), path.join(folder, 'data', 'late'));
    const retry = () =>
      session.client.workflow.getHandle(`${run}/late`).executeUpdate('retry', { args: [{ step: 'late/capture' }] });
    try {
      // As an editor has written half of it.
      await writeFile(file, `${config}\nsources: {`);
      await retry();
      await until('its second attempt', async () => {
        const step = (await graph(run)).steps.find(({ id }) => id === 'late/capture');
        return step?.attempts === 2 && step.state !== 'running';
      });
      const { error } = await waits(run, 'late/capture');
      assert.equal(error?.code, 'config', JSON.stringify(error));
    } finally {
      await writeFile(file, config);
    }
    await retry();
    assert.equal((await ended(run)).outcome, 'complete');
    await rename(path.join(folder, 'data', 'late'), path.join(folder, 'data', 'away'));
  });

  it('one that is skipped ends its source and no other; what does not wait is refused, with what does', async () => {
    const run = await start(['good', 'late']);
    await waits(run, 'late/capture');
    await until('the other is done', async () =>
      (await graph(run)).steps.some(({ id, state }) => id === 'good/verify' && state === 'done'),
    );
    for (const [args, why] of [
      [['--step', 'good/capture'], /good\/capture does not wait: it is done\. Waiting: late\/capture/],
      [['--step', 'late/copy/vault'], /late\/copy\/vault does not wait: it is pending/],
      [['--step', 'nobody/capture'], /there is no step nobody\/capture/],
    ] as const) {
      const refused = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'skip', run, ...args]);
      assert.equal(refused.code, 7, refused.stderr);
      assert.match(refused.stderr, why);
    }
    // Somebody has ended it by hand: that is no reason to fail.
    await session.client.workflow.getHandle('turn/test/daily').terminate();
    // As the Web UI does it: to the workflow of the source itself.
    const skipped = await session.client.workflow.getHandle(`${run}/late`).executeUpdate<string, [unknown]>('skip', {
      args: [{ step: 'late/capture', reason: 'moved today' }],
    });
    assert.equal(skipped, 'late/capture: skipped');
    const report = await ended(run);
    assert.equal(report.outcome, 'partial');
    const [good, late] = report.sources;
    assert.equal(good?.outcome, 'complete');
    assert.match(late?.errors[0]?.message ?? '', /^skipped by an operator: moved today \(it had failed: .*late/);
    assert.deepEqual(
      (await graph(run)).steps.filter(({ id }) => id.startsWith('late/')).map(({ id, state }) => [id, state]),
      [
        ['late/capture', 'skipped'],
        ['late/copy/vault', 'skipped'],
        ['late/verify', 'skipped'],
      ],
    );
  });

  it('is told of, and that it is over; so is a run that ended partial, and that the next one is complete', async () => {
    hook.answer(204);
    // How runs before have ended is over.
    await ended(await start(['good']));
    const from = hook.received.length;
    const told = () => hook.received.slice(from).map(({ state, alert }) => `${state} ${alert}`);
    const run = await start(['late']);
    await waits(run, 'late/capture');
    await command('retry', run);
    await until('the alert', async () => told().includes('raised step-waiting'));
    const alert = hook.received.slice(from).find(({ alert: name }) => name === 'step-waiting');
    assert.match(alert?.remedy ?? '', new RegExp(`mosaic-backup runs retry ${run} --step late/capture`));
    await waits(run, 'late/capture');
    await command('skip', run, '--step', 'late/capture');
    await ended(run);
    assert.deepEqual(told().toSorted(), ['raised run-failed', 'raised step-waiting', 'resolved step-waiting']);
    const good = await start(['good']);
    await ended(good);
    assert.ok(told().includes('resolved run-failed'), told().join());
  });

  it('a run that is cancelled leaves no alert behind, of backups or of restore tests', async () => {
    for (const [plan, source, step] of [
      ['daily', 'late', 'late/capture'],
      ['restore-test', 'other', 'other/choose'],
    ] as const) {
      const from = hook.received.length;
      const told = () => hook.received.slice(from).map(({ state, alert }) => `${state} ${alert}`);
      const run = await start([source], plan);
      await waits(run, step);
      await command('retry', run);
      await until('the alert', async () => told().includes('raised step-waiting'));
      await command('cancel', run);
      assert.deepEqual(told(), ['raised step-waiting', 'resolved step-waiting'], plan);
      const open = (await graph(run)).steps.filter((one) => one.ended === null);
      assert.deepEqual(open, [], 'nothing of it is shown as if it went on');
    }
  });

  it('a run of its schedule that cannot begin is told of', async () => {
    const from = hook.received.length;
    const run = 'daily-2026-11-21T02:00:00Z';
    const config = await readFile(file, 'utf8');
    await writeFile(file, config.replace('site: test', 'site: moved'));
    // As the schedule starts it: the time is in its id alone.
    await assert.rejects(
      session.client.workflow.execute('dailyBackup', {
        workflowId: run,
        taskQueue: 'test',
        args: [{ site: 'test', plan: 'daily' }],
      }),
    );
    await writeFile(file, config);
    const [alert] = hook.received.slice(from);
    assert.equal(alert?.alert, 'run-failed');
    assert.match(alert.message, /^daily-2026-11-21T02:00:00Z ended failed: plan: this worker serves the site "moved"/);
    assert.deepEqual(
      (await graph(run)).steps.map(({ id, state }) => [id, state]),
      [['plan', 'failed']],
    );
    await ended(await start(['good']));
    assert.equal(hook.received.at(-1)?.state, 'resolved');
  });

  it('a host that is down is told of on its short queue; its steps wait, and go on when it is back', async () => {
    const run = await start(['good', 'other']);
    const waiting = await waits(run, 'other/capture');
    assert.match(waiting.error?.message ?? '', /the host far does not answer/);
    assert.equal(waiting.attempts, 0);
    assert.equal(waiting.next, null);
    assert.equal(
      (await graph(run)).steps.find(({ id }) => id === 'good/verify')?.state,
      'done',
      'no other waits for it',
    );
    const { connection, namespace } = session.endpoint;
    const worker = await startWorker({
      connection,
      namespace,
      openSite: () => siteOf('far'),
      ...ofClient,
      log: testWork().log,
    });
    const report = await ended(run);
    await worker.stop();
    assert.equal(report.outcome, 'complete', JSON.stringify(report));

    // The coordinator holds no backup of that host: what stands for its source is what it has signed before.
    const second = await start(['good', 'other']);
    await waits(second, 'other/capture');
    await command('skip', second, '--step', 'other/capture');
    await ended(second);
    const point = recoveryPoint.parse(
      JSON.parse(await readFile(path.join(folder, `repository/recovery-points/${second}.json`), 'utf8')),
    );
    const other = point.sources.find(({ source }) => source === 'other');
    const captured = report.sources.find(({ source }) => source === 'other')?.captured;
    assert.deepEqual([other?.stale, other?.outcome, other?.backup], [true, 'failed', captured?.backup]);
    assert.equal(other?.consistency, 'fuzzy');
    assert.equal(
      point.config,
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    );
  });

  it('a run on demand waits for one of the same plan that goes on, and says so', async () => {
    const first = await start(['late']);
    await waits(first, 'late/capture');
    const second = await start(['good']);
    await until('it waits for its turn', async () => (await details(second)).includes('It waits for its turn'));
    assert.deepEqual(
      (await graph(second)).steps.map(({ id, state }) => [id, state]),
      [['plan', 'waiting']],
    );
    const early = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'retry', second]);
    assert.equal(early.code, 7);
    assert.match(early.stderr, /the run waits for its turn: it begins when the one before it has ended/);
    await command('cancel', first);
    assert.equal((await ended(second)).outcome, 'complete');
  });

  it('where no worker answers that is said, and soon; what is no run of the site is not cancelled', async () => {
    const run = 'daily-2026-11-19T02:00:00Z';
    const { workflow } = session.client;
    const attributes = [{ key: SITE, value: 'test' }];
    const options = { taskQueue: 'nobody', args: [], typedSearchAttributes: attributes };
    const own = await workflow.start('dailyBackup', { ...options, workflowId: run });
    const foreign = await workflow.start('dailyBackup', {
      ...options,
      workflowId: 'foreign',
      typedSearchAttributes: [{ key: SITE, value: 'other' }],
    });
    // What keeps runs of the plan from overlapping has no site.
    const turn = await workflow.start('planTurn', { taskQueue: 'nobody', workflowId: 'turn' });
    const began = Date.now();
    const [shown, listing] = await Promise.all([
      mosaicHere(['-c', file, '--host', 'near', 'runs', 'show', run]),
      listed(run),
    ]);
    assert.equal(shown.code, 8, shown.stderr);
    assert.match(shown.stderr, /no worker of the site answers/);
    assert.deepEqual(listing?.state, 'running');
    // gRPC itself would go on asking for half a minute, each time.
    assert.ok(Date.now() - began < 30_000);
    for (const { workflowId } of [foreign, turn]) {
      const refused = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'cancel', workflowId]);
      assert.equal(refused.code, 6, refused.stderr);
    }
    const leave = new AbortController();
    const cancelling = cancelRun(session.client, run, { site: 'test', signal: leave.signal });
    await until('it is told', async () =>
      (await own.fetchHistory()).events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes),
    );
    leave.abort();
    assert.equal(await cancelling, false);
    for (const handle of [foreign, turn]) {
      const history = await handle.fetchHistory();
      assert.ok(!history.events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes));
    }
    await Promise.all([own, foreign, turn].map((handle) => handle.terminate()));
  });

  it('a run that has ended is run again by `runs retry`, also where Temporal has lost it, and does only what is missing', async () => {
    const run = deleted;
    await until('Temporal has lost it', async () => (await listed(run))?.from === 'recovery point', 90_000);
    const shown = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'show', run]);
    assert.match(shown.stdout, /complete, ended .* \(from its recovery point/);
    const again = await mosaicHere(['-c', file, '--host', 'near', '--json', 'runs', 'retry', run]);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, /"existed": true/);
    const none = await mosaicHere(['-c', file, '--host', 'near', 'runs', 'show', 'daily-2020-01-01T02:00:00Z']);
    assert.equal(none.code, 6, none.stderr);
  });

  function siteOf(host: string) {
    return loadSite({ file, env: { ...process.env, MOSAIC_BACKUP_HOST: host } });
  }

  async function start(sources: readonly string[], plan = 'daily'): Promise<string> {
    made += 1;
    const scheduled = `2026-11-20T${String(made).padStart(2, '0')}:00:00Z`;
    await startRun(session.client, { site: 'test', plan, scheduled, sources });
    return `${plan}-${scheduled}`;
  }

  async function graph(run: string): Promise<RunGraph> {
    const found = await readGraph(session.client, run);
    if (!found) throw new Error(`no run ${run}`);
    return found;
  }

  function waits(run: string, id: string): Promise<GraphStep> {
    return until(`${id} waits`, async () => {
      const found = await graph(run).catch(() => undefined);
      return found?.steps.find((step) => step.id === id && step.state === 'waiting');
    });
  }

  async function details(workflow: string): Promise<string> {
    const found = await session.client.workflow.getHandle(workflow).query('__temporal_workflow_metadata');
    return metadata.parse(found).currentDetails;
  }

  async function ended(run: string): Promise<RunReport> {
    const report: RunReport = await session.client.workflow.getHandle(run).result();
    return report;
  }

  async function command(what: string, ...args: readonly string[]): Promise<void> {
    const done = await mosaicHere(['-c', file, '--host', 'near', 'runs', what, ...args]);
    assert.equal(done.code, 0, done.stderr);
  }

  async function listed(run: string) {
    const list = await mosaicHere(['-c', file, '--host', 'near', '--json', 'runs', 'list']);
    return printed.parse(JSON.parse(list.stdout)).runs.find(({ id }) => id === run);
  }
});

async function fill(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'file'), 'x'.repeat(10_000));
}
