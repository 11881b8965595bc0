/** What operators see of a run and do about it: in a terminal, on the pages of the Web UI, and by alerts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import { startRun } from '../../client/runs/start.ts';
import { LAUNCHER, mosaicHere, type Ended } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { openSession } from '../support/session.ts';
import { makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

/** As the Web UI asks for what it offers on the page of a workflow. */
const metadata = z.looseObject({
  currentDetails: z.string(),
  definition: z.looseObject({
    updateDefinitions: z.array(z.looseObject({ name: z.string(), description: z.string().optional() })),
  }),
});
const followed = z.looseObject({
  outcome: z.string(),
  sources: z.array(z.looseObject({ source: z.string(), captured: z.looseObject({ existed: z.boolean() }).nullable() })),
});

/** What a terminal is told to remove all below the cursor. */
const CLEAR = '\u001B[0J';

describe('an operator', function () {
  this.timeout(120_000);
  let folder: string;
  let file: string;
  let session: Session;
  let hook: Webhook;
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    const sources = ['good', 'late', 'next'];
    for (const source of sources) await mkdir(data(source), { recursive: true });
    for (const source of sources) await writeFile(path.join(data(source), 'file'), source);
    await rename(data('late'), data('away'));
    ({ file } = await makeSite({
      folder,
      sources: Object.fromEntries(
        sources.map((name) => [
          name,
          { type: 'files' as const, paths: [data(name)], after: name === 'next' ? ['late'] : [] },
        ]),
      ),
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: {
        // So long that nothing but an operator ends a pause.
        daily: { captureDeadline: '10m', retryFirst: '5m', retryMax: '5m', alertAfter: '1ms', remindAfter: '1s' },
      },
      temporal: await ownTemporal(),
    }));
    session = await openSession(file);
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
      await runs('cancel', workflowId);
  });

  it('reads on the pages of a run and of a source what `retry` and `skip` do, and does it on that of the run', async () => {
    const run = await start(['late']);
    await waits(run, 'late/capture', 1);
    for (const page of [run, `${run}/late`]) {
      const found = metadata.parse(await handleOf(page).query('__temporal_workflow_metadata'));
      const offered = new Map(found.definition.updateDefinitions.map((one) => [one.name, one.description ?? '']));
      assert.match(
        offered.get('retry') ?? '',
        /^Try a waiting step again now\. Input: \{"step": "postgres\/capture"\}/,
      );
      assert.match(offered.get('skip') ?? '', /^Skip a waiting step: .*"reason"/);
    }
    await assert.rejects(update(run, 'skip', { step: 'good/capture' }), (error: Error) =>
      /there is no step good\/capture\. Waiting: late\/capture\./.test(String(error.cause)),
    );
    assert.equal(await update(run, 'retry', { step: 'late/capture' }), 'late/capture: tried again now');
    await waits(run, 'late/capture', 2);
    assert.equal(await update(run, 'skip', { step: 'late/capture', reason: 'moved' }), 'late/capture: skipped');
    const report = followed.parse(await handleOf(run).result());
    assert.equal(report.outcome, 'failed');
  });

  it('is reminded of what waits long, and told no more of a run that was cancelled', async () => {
    const from = hook.received.length;
    const told = () => hook.received.slice(from).filter(({ alert }) => alert === 'step-waiting');
    const run = await start(['late']);
    await waits(run, 'late/capture', 1);
    await until('the reminder', async () => {
      // It fails anew each time, by which somebody is told.
      await runs('retry', run);
      return told().length >= 2;
    });
    assert.deepEqual([...new Set(told().map(({ state, source }) => `${state} ${source}`))], ['raised late']);
    await runs('cancel', run);
    await handleOf(await start(['good'])).result();
    const over = told().filter(({ state }) => state === 'resolved');
    assert.equal(over.length, 1);
    await handleOf(await start(['good'])).result();
    assert.deepEqual(told().at(-1), over[0], 'and nothing after it');
  });

  it('reads of a source that a cancelled run had not begun that it was left out', async () => {
    const run = await start(['late', 'next']);
    await waits(run, 'late/capture', 1);
    assert.match((await runs('show', run)).stdout, /next\n +· capture: pending/);
    await runs('cancel', run);
    const { stdout } = await runs('show', run);
    assert.match(stdout, /next\n +- capture: skipped/);
    assert.doesNotMatch(stdout, /pending/);
    const { currentDetails } = metadata.parse(await handleOf(run).query('__temporal_workflow_metadata'));
    assert.match(currentDetails, /^\*\*cancelled\*\*/);
    assert.match(currentDetails, /\| late \| cancelled [^]*\| next \| cancelled /);
    assert.doesNotMatch(currentDetails, /wait|running|runs retry|capturing|pending/);
  });

  it('watches a run on a terminal, drawn in place, until it ends', async () => {
    const run = await start(['good', 'late']);
    await waits(run, 'late/capture', 1);
    const watching = onTerminal('stty cols 150 rows 40;', 'runs', 'show', run);
    await until('it is drawn', () => /good\n.*✔ capture[^]*late\n.*! capture: waiting/.test(watching.screen()));
    assert.equal(watching.ended(), false);
    await rename(data('away'), data('late'));
    await runs('retry', run);
    assert.equal(await watching.code, 0, watching.screen());
    await rename(data('late'), data('away'));
    const [last = ''] = watching.screen().split(`${run}: `).slice(-1);
    assert.match(last, /^complete\n/);
    assert.doesNotMatch(last, /running|waiting/);
    assert.ok(watching.raw().includes(CLEAR), 'what was drawn before is replaced');
    // Cancelled, it ends too, and is not watched for ever; on a serial line, which does not tell its size.
    const other = await start(['late']);
    await waits(other, 'late/capture', 1);
    const again = onTerminal('stty cols 0 rows 0;', 'runs', 'show', other);
    await until('it is drawn', () => again.screen().includes('! capture: waiting'));
    await runs('cancel', other);
    assert.equal(await again.code, 0);
    assert.match(again.screen(), new RegExp(`${other}: cancell?ed`));
  });

  it('runs one source of a run that has ended again by the name of its step, and all of it without', async () => {
    const run = await start(['good', 'late']);
    await waits(run, 'late/capture', 1);
    await runs('skip', run, '--step', 'late/capture');
    await handleOf(run).result();
    const [one, none, ofRun] = [
      await again(run, 'good/capture'),
      await again(run, 'nobody/capture'),
      await again(run, 'recovery-point'),
    ];
    assert.equal(one.code, 0, one.stderr);
    assert.deepEqual(sourcesIn(one), ['good']);
    assert.deepEqual([none.code, ofRun.code], [6, 2]);
    assert.match(none.stdout, /had no source [^]*nobody[^]*good, late/);
    assert.match(ofRun.stdout, /recovery-point is no step of a source[^]*runs retry daily-/);
    // The run that was asked for one source is not all there was to it.
    await rename(data('away'), data('late'));
    const all = await again(run);
    await rename(data('late'), data('away'));
    assert.deepEqual([all.code, sourcesIn(all)], [0, ['good', 'late']], all.stderr);
  });

  it('reads that a run waits for its turn, where it is started and where it is looked at; cancelled, nothing of one waits', async () => {
    // The last: it backs up at the time of now, and nothing of an older time comes after it.
    const before = await start(['late']);
    await waits(before, 'late/capture', 1);
    const started = onTerminal('stty cols 150 rows 40;', 'run', 'daily', '--source', 'good');
    const next = await until(
      'it says so',
      () => /(daily-\S+Z) waits for its turn: another run/.exec(started.screen())?.[1],
    );
    const shown = await runs('show', next);
    assert.match(shown.stdout, /^ {2}! plan: waits for its turn, .*\n +Another run of the plan goes on/m);
    const other = await start(['good']);
    await until('it waits', async () => (await runs('show', other)).stdout.includes('waits for its turn'));
    for (const run of [other, before]) {
      await runs('cancel', run);
      const { stdout } = await runs('show', run);
      assert.match(stdout, new RegExp(`^${run}: cancell?ed\n`));
      assert.doesNotMatch(stdout, /waiting|waits for its turn|running|pending|again /);
      assert.match(stdout, /✖ .*: failed[^]*the run was cancelled/);
    }
    assert.match((await runs('show', before)).stdout, /✖ capture: .*\n.* was cancelled \(it had failed: /);
    assert.equal(await started.code, 0, started.screen());
  });

  function data(name: string): string {
    return path.join(folder, 'data', name);
  }

  function handleOf(workflow: string) {
    return session.client.workflow.getHandle(workflow);
  }

  async function start(sources: readonly string[]): Promise<string> {
    const { workflowId } = await startRun(session.client, {
      site: 'test',
      plan: 'daily',
      scheduled: scheduled(),
      sources,
    });
    return workflowId;
  }

  /** Until a step waits that was tried so often. */
  function waits(run: string, id: string, attempts: number): Promise<true> {
    return until(`${id} waits`, async () => {
      const found = await readGraph(session.client, run).catch(() => null);
      return found?.steps.some((step) => step.id === id && step.state === 'waiting' && step.attempts >= attempts);
    });
  }

  function update(workflow: string, what: 'retry' | 'skip', asked: object): Promise<string> {
    return handleOf(workflow).executeUpdate<string, [object]>(what, { args: [asked] });
  }

  function runs(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', file, 'runs', ...args]);
  }

  function again(run: string, step?: string): Promise<Ended> {
    return mosaicHere(['-c', file, '--json', 'runs', 'retry', run, ...(step === undefined ? [] : ['--step', step])]);
  }

  function sourcesIn({ stdout }: Ended): readonly string[] {
    return followed
      .parse(JSON.parse(stdout))
      .sources.map(({ source }) => source)
      .toSorted();
  }

  /** A command on a terminal of its own. */
  function onTerminal(size: string, ...args: readonly string[]) {
    const line = [size, 'exec', LAUNCHER, '-c', file, ...args].join(' ');
    const child = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm' },
    });
    const printed: string[] = [];
    let over = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => printed.push(text));
    const code = once(child, 'close').then(([status]) => {
      over = true;
      return Number(status);
    });
    const raw = () => printed.join('');
    return { raw, screen: () => stripVTControlCharacters(raw()).replaceAll('\r', ''), code, ended: () => over };
  }
});
