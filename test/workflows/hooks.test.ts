import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { listBackups, pinned } from '../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import { planRun } from '../../activities/operations/plan-run.ts';
import { loadSite } from '../../activities/config/load.ts';
import { siteStatus } from '../../client/backups/status.ts';
import { goesOn } from '../../client/watchdog/temporal.ts';
import { lookAtUnfinished } from '../../client/watchdog/unfinished.ts';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import type { SiteInput } from '../../model/config/site.ts';
import type { SourceReport } from '../../model/run.ts';
import { recoveryPoint } from '../../model/recovery-point.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { openSession, runDaily } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { BackupError } from '../../model/errors.ts';

describe('hooks and the order of sources', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;
  let program: string;
  let log: string;
  let order: string;
  const scheduled = scheduledTimes();

  before(async () => {
    folder = await temporaryFolder();
    log = path.join(folder, 'log');
    order = path.join(folder, 'order');
    program = path.join(folder, 'hook');
    // What it is told, what the repository holds then, and the exit status that stands in a file of its name.
    await writeFile(
      program,
      `#!/bin/sh
echo "$1 $MOSAIC_BACKUP_WHEN \${MOSAIC_BACKUP_SOURCE:-plan} \${MOSAIC_BACKUP_OUTCOME:--} $MOSAIC_BACKUP_RUN" >> ${log}
echo "begin $1 \${MOSAIC_BACKUP_SOURCE:-plan} $MOSAIC_BACKUP_RUN" >> ${order}
[ -f ${folder}/$1.sleep ] && sleep $(cat ${folder}/$1.sleep)
echo "end $1 \${MOSAIC_BACKUP_SOURCE:-plan} $MOSAIC_BACKUP_RUN" >> ${order}
[ -f ${folder}/$1.prints ] && head -c $(cat ${folder}/$1.prints) /dev/zero
[ -f ${folder}/$1.says ] && cat ${folder}/$1.says >&2
[ -f ${folder}/$1.status ] && exit $(cat ${folder}/$1.status)
exit 0
`,
    );
    await chmod(program, 0o755);
    for (const source of ['wiki', 'board', 'zero', 'forum', 'shop']) {
      await mkdir(path.join(folder, 'data', source), { recursive: true });
      await writeFile(path.join(folder, 'data', source, 'file'), source);
    }
    const around = { before: [{ command: [program, 'quiesce'] }], after: [{ command: [program, 'release'] }] };
    const files = (name: string) => ({ type: 'files' as const, paths: [path.join(folder, 'data', name)] });
    test = await makeSite({
      folder,
      sources: {
        board: { ...files('board'), after: ['wiki', 'zero'] },
        wiki: {
          ...files('wiki'),
          hooks: {
            before: [{ command: [program, 'quiesce'] }, { command: [program, 'second'], onFailure: 'warn' }],
            after: [{ command: [program, 'release'] }],
          },
        },
        zero: files('zero'),
        ...Object.fromEntries(['forum', 'shop'].map((name) => [name, { ...files(name), hooks: around }])),
      },
      worker: { captures: 1 },
      plans: { daily: { captureDeadline: '4s', retryFirst: '100ms', retryMax: '500ms', heartbeat: '5s' } },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  afterEach(async () => {
    for (const file of [log, order]) await rm(file, { force: true });
    for (const name of ['quiesce', 'second', 'release', 'begin'])
      for (const ending of ['status', 'sleep']) await rm(path.join(folder, `${name}.${ending}`), { force: true });
  });

  it('run around the capture of their source and of no other, and are told which', async () => {
    const report = await daily(['wiki', 'zero']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const run = report.runId;
    assert.deepEqual(await told(), [
      `quiesce before wiki - ${run}`,
      `second before wiki - ${run}`,
      `release after wiki complete ${run}`,
    ]);
  });

  it('exit status 75 is a soft skip: shown as skipped, what is before it runs, and the run is complete', async () => {
    await exits('quiesce', 75);
    const report = await daily(['wiki', 'zero']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const [wiki] = report.sources;
    assert.equal(wiki?.outcome, 'skipped');
    assert.match(wiki.softSkip ?? '', /hooks\.before\[0\] of wiki says so/);
    assert.deepEqual(wiki.errors, []);
    assert.deepEqual(
      (await told()).map((line) => line.split(' ', 4).join(' ')),
      ['quiesce before wiki -', 'release after wiki skipped'],
    );
    const point = await pointOf(report.runId);
    const entry = point.sources.find(({ source }) => source === 'wiki');
    assert.deepEqual([entry?.outcome, entry?.stale], ['skipped', true]);
    assert.match(entry?.backup?.reference ?? '', /^daily\/wiki\//, 'the last good one stands for it');
    assert.equal(point.config?.length, 64);
  });

  it('a soft skip behind which one after fails is partial: an application may stand still, and nobody would be told', async () => {
    await exits('quiesce', 75);
    await exits('release', 1);
    const report = await daily(['wiki', 'zero']);
    const [wiki] = report.sources;
    assert.deepEqual(
      [report.outcome, wiki?.outcome, wiki?.errors.map(({ step }) => step)],
      ['partial', 'partial', ['hooks after']],
      JSON.stringify(report),
    );
    assert.match(wiki?.softSkip ?? '', /hooks\.before\[0\] of wiki says so/);
    const entry = (await pointOf(report.runId)).sources.find(({ source }) => source === 'wiki');
    assert.deepEqual([entry?.outcome, entry?.stale], ['partial', true]);
  });

  it('a run that is run again prepares nothing for what it had sealed', async () => {
    const time = scheduled();
    assert.equal((await daily(['wiki'], undefined, time)).outcome, 'complete');
    const before = await pointOf(`daily-${time}`);
    await rm(log);
    await exits('quiesce', 75);
    const again = await daily(['wiki'], undefined, time);
    assert.deepEqual(again.sources[0]?.captured?.existed, true);
    assert.deepEqual(again.sources[0].outcome, 'complete');
    assert.deepEqual((await pointOf(`daily-${time}`)).sources, before.sources);
    assert.deepEqual(
      (await told()).map((line) => line.split(' ', 1)[0]),
      ['release'],
      'nothing is prepared for what is sealed already',
    );
    // What was made later stands for nothing in a run of an earlier time.
    const earlier = '2026-11-02T02:00:00Z';
    await daily(['wiki'], undefined, earlier);
    const [entry] = (await pointOf(`daily-${earlier}`)).sources;
    assert.deepEqual([entry?.stale, entry?.backup], [true, null]);
  });

  it('says of a program that fails how it ended, and nothing that it printed', async () => {
    await writeFile(path.join(folder, 'quiesce.says'), 'PASSWORD-CANARY');
    await exits('quiesce', 1);
    const report = await daily(['wiki']);
    assert.match(report.sources[0]?.errors[0]?.message ?? '', /hooks\.before\[0\] of wiki: .*hook ended with 1$/);
    assert.doesNotMatch(JSON.stringify([report, await pointOf(report.runId)]), /CANARY/);
    await rm(path.join(folder, 'quiesce.says'));
  });

  it('one may print as much as it likes: nothing of it is kept, and its worker lives', async () => {
    // More than a string can hold, once each byte of it is escaped.
    await writeFile(path.join(folder, 'quiesce.prints'), '120000000');
    const report = await daily(['wiki']);
    await rm(path.join(folder, 'quiesce.prints'));
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.deepEqual(
      (await told()).map((line) => line.split(' ', 1)[0]),
      ['quiesce', 'second', 'release'],
    );
  });

  it('one after is run too where the source has got its hooks since the run was planned', async () => {
    const spec = planRun(test.site, { site: 'test', plan: 'daily', scheduled: scheduled(), sources: ['wiki'] });
    const [step] = spec.phases.flatMap(({ steps }) => steps);
    assert.ok(step);
    const input = { site: 'test', runId: spec.runId, scheduled: spec.scheduled, waits: spec.waits, alone: true };
    const report: SourceReport = await session.client.workflow.execute('backupSource', {
      workflowId: `${spec.runId}/wiki`,
      taskQueue: 'test',
      args: [{ ...input, step: { ...step, hooks: [] } }],
    });
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.deepEqual(
      (await told()).map((line) => line.split(' ', 4).join(' ')),
      ['quiesce before wiki -', 'second before wiki -', 'release after wiki complete'],
    );
  });

  it('one before that fails keeps its source from being captured, is tried again, and the one after runs all the same', async () => {
    await exits('quiesce', 1);
    const report = await daily(['wiki', 'zero']);
    assert.equal(report.outcome, 'partial');
    const [wiki] = report.sources;
    assert.equal(wiki?.outcome, 'failed');
    assert.match(wiki.errors[0]?.message ?? '', /^still failing at its deadline: hooks\.before\[0\] of wiki: /);
    assert.match(wiki.errors[0]?.remedy ?? '', /by hand/);
    const lines = await told();
    assert.ok(lines.filter((line) => line.startsWith('quiesce')).length > 1, lines.join('\n'));
    assert.match(lines.at(-1) ?? '', /^release after wiki failed/);
  });

  it('one that is to warn, and one after, make the source partial and no more', async () => {
    await exits('second', 3);
    const warned = await daily(['wiki']);
    assert.deepEqual(
      warned.sources.map(({ outcome, errors }) => [outcome, errors.map(({ step }) => step)]),
      [['partial', ['hooks before']]],
    );
    await rm(path.join(folder, 'second.status'));
    await exits('release', 75);
    const after = await daily(['wiki']);
    assert.deepEqual(
      after.sources.map(({ outcome, errors }) => [outcome, errors.map(({ step }) => step)]),
      [['partial', ['hooks after']]],
    );
  });

  it('a cancelled run runs what is to come after all the same, and leaves no program behind', async () => {
    await takes('quiesce', 60);
    const cancel = new AbortController();
    const running = daily(['wiki'], cancel.signal);
    await until('the hook runs', async () => (await told()).length > 0);
    cancel.abort();
    await assert.rejects(running, (error) => error instanceof BackupError && error.code === 'aborted');
    assert.match((await told()).at(-1) ?? '', /^release after wiki failed/);
  });

  it('one after runs before an attempt that failed is tried again: nothing waits while an application stands still', async () => {
    const away = path.join(folder, 'away');
    await rename(path.join(folder, 'data', 'wiki'), away);
    const report = await daily(['wiki']);
    await rename(away, path.join(folder, 'data', 'wiki'));
    assert.equal(report.outcome, 'failed');
    const lines = (await told()).map((line) => line.split(' ', 4).join(' '));
    assert.ok(lines.length > 3, lines.join('\n'));
    const attempt = ['quiesce before wiki -', 'second before wiki -', 'release after wiki failed'];
    assert.deepEqual(lines, Array.from({ length: lines.length / 3 }, () => attempt).flat());
    assert.deepEqual(
      report.sources[0]?.errors.map(({ step }) => step),
      ['capture'],
    );
  });

  it('those of sources that stand in the queue of their host are run when its turn has come', async () => {
    await takes('quiesce', 1);
    const report = await daily(['wiki', 'forum', 'shop']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const lines = await happened();
    const begun = lines.filter((line) => line.startsWith('begin quiesce')).map((line) => line.split(' ')[2]);
    assert.equal(begun.length, 3);
    const [first, , third] = begun;
    const at = (line: string) => lines.indexOf(`${line} ${report.runId}`);
    assert.ok(at(`end release ${first}`) < at(`begin quiesce ${third}`), lines.join('\n'));
  });

  it('a run that is cancelled keeps its turn until what is to come after has ended', async () => {
    await takes('quiesce', 60);
    await takes('release', 2);
    const cancel = new AbortController();
    const first = daily(['wiki'], cancel.signal);
    await until('the hook runs', async () => (await told()).length > 0);
    await rm(path.join(folder, 'quiesce.sleep'));
    const time = scheduled();
    const second = daily(['wiki'], undefined, time);
    await until('the second waits for its turn', async () => {
      const graph = await readGraph(session.client, `daily-${time}`).catch(() => null);
      return graph?.steps.some(({ id, state }) => id === 'plan' && state === 'waiting');
    });
    cancel.abort();
    await assert.rejects(first, (error) => error instanceof BackupError && error.code === 'aborted');
    const { runId, outcome } = await second;
    assert.equal(outcome, 'complete');
    const lines = await happened();
    const released = lines.findIndex((line) => line.startsWith('end release') && !line.endsWith(runId));
    assert.ok(released >= 0 && released < lines.indexOf(`begin quiesce wiki ${runId}`), lines.join('\n'));
  });

  it('a source whose plan is due again is ended, and what is to come after runs all the same', async () => {
    await takes('quiesce', 60);
    const spec = planRun(test.site, { site: 'test', plan: 'daily', scheduled: scheduled(), sources: ['wiki'] });
    const [step] = spec.phases.flatMap(({ steps }) => steps);
    assert.ok(step);
    const input = { site: 'test', runId: spec.runId, scheduled: spec.scheduled, step, waits: spec.waits };
    const report: SourceReport = await session.client.workflow.execute('backupSource', {
      workflowId: `${spec.runId}/wiki`,
      taskQueue: 'test',
      args: [{ ...input, alone: true, until: Date.now() + 2000 }],
    });
    assert.equal(report.outcome, 'failed');
    assert.match(report.errors[0]?.message ?? '', /still at work when the plan was due again, and was ended/);
    assert.match((await told()).at(-1) ?? '', /^release after wiki failed/);
  });

  it('an operator can skip on the page of the run what is just being tried: it counts when that has failed', async () => {
    await exits('quiesce', 1);
    await takes('quiesce', 2);
    await patient('10m');
    const time = scheduled();
    const running = daily(['wiki'], undefined, time);
    const attempts = async () => (await told()).filter((line) => line.startsWith('quiesce')).length;
    await until('the second attempt', async () => (await attempts()) > 1);
    const run = session.client.workflow.getHandle(`daily-${time}`);
    const skipped = await run.executeUpdate<string, [unknown]>('skip', {
      // A reason that says nothing is none.
      args: [{ step: 'wiki/capture', reason: ' ' }],
    });
    assert.equal(skipped, 'wiki/capture: skipped');
    const report = await running;
    assert.match(report.sources[0]?.errors[0]?.message ?? '', /^skipped by an operator \(it had failed/);
    await patient('4s');
  });

  it('a source begins when the captures of those that it comes after have ended, whatever the order in the config', async () => {
    const report = await daily(['wiki', 'board', 'zero']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const backups = await listBackups(repositoryStore(test.site.repository));
    const of = (source: string) => {
      const sha256 = report.sources.find((one) => one.source === source)?.captured?.backup.sha256;
      return backups.find(({ manifest }) => pinned(manifest).sha256 === sha256)?.manifest;
    };
    const [board, wiki, zero] = ['board', 'wiki', 'zero'].map(of);
    assert.ok(board && wiki && zero);
    assert.ok(board.started >= wiki.finished && board.started >= zero.finished);
    // Alone it waits for nobody.
    assert.equal((await daily(['board'])).outcome, 'complete');
  });

  it('hooks of the plan run around all of it; a soft skip leaves all sources out, and the run is complete', async () => {
    await aroundPlan();
    const report = await daily(['zero']);
    assert.equal(report.outcome, 'complete');
    assert.deepEqual(await told(), [`begin before plan - ${report.runId}`, `end after plan complete ${report.runId}`]);
    await exits('begin', 75);
    const skipped = await daily(['zero', 'wiki']);
    assert.equal(skipped.outcome, 'complete', JSON.stringify(skipped));
    assert.deepEqual(
      skipped.sources.map(({ outcome }) => outcome),
      ['skipped', 'skipped'],
    );
    assert.ok((await pointOf(skipped.runId)).sources.every(({ stale, outcome }) => stale && outcome === 'skipped'));
    await exits('begin', 1);
    const failed = await daily(['zero', 'wiki']);
    assert.equal(failed.outcome, 'failed');
    for (const { error } of (await pointOf(failed.runId)).sources)
      assert.match(error ?? '', /hooks\.before\[0\] of the plan daily/);
  });

  it('those of a plan that are left open are told once nobody is left to run those after: its run was terminated', async () => {
    await aroundPlan();
    const site = await loadSite({ file: test.file });
    const later = () => Date.now() + site.config.watchdog.unfinishedAfter;
    const told = async () =>
      (await lookAtUnfinished(site, later(), (run) => goesOn(site, {}, run))).found.map(({ key }) => key);
    const inStatus = async () => (await siteStatus(site, later())).findings.filter(({ code }) => code === 'hooks.open');
    await takes('begin', 60);
    const time = scheduled();
    const running = assert.rejects(daily(['zero'], undefined, time));
    await until('the hook runs', async () => (await happened()).some((line) => line.startsWith('begin begin')));
    assert.deepEqual(await told(), [], 'while its run goes on they are to be open');
    assert.deepEqual(
      (await inStatus()).map(({ severity, subject }) => [severity, subject]),
      [['warning', 'plans']],
    );
    await session.client.workflow.getHandle(`daily-${time}`).terminate('somebody was tired of it');
    await running;
    assert.deepEqual(await told(), ['work-unfinished/plans/daily/hooks']);
    await rm(path.join(folder, 'begin.sleep'));
    assert.equal((await daily(['zero'])).outcome, 'complete');
    assert.deepEqual([await told(), await inStatus()], [[], []], 'the next run has run them again');
  });

  function aroundPlan(): Promise<void> {
    return configure((config) => ({
      ...config,
      plans: {
        ...config.plans,
        daily: {
          ...config.plans?.daily,
          hooks: { before: [{ command: [program, 'begin'] }], after: [{ command: [program, 'end'] }] },
        },
      },
    }));
  }

  function daily(sources: readonly string[], signal?: AbortSignal, time = scheduled()) {
    return runDaily({ session, site: 'test', scheduled: time, sources, ...(signal ? { signal } : {}) });
  }

  function patient(captureDeadline: string): Promise<void> {
    return configure((config) => ({
      ...config,
      plans: { ...config.plans, daily: { ...config.plans?.daily, captureDeadline } },
    }));
  }

  function exits(name: string, status: number): Promise<void> {
    return writeFile(path.join(folder, `${name}.status`), String(status));
  }

  function takes(name: string, seconds: number): Promise<void> {
    return writeFile(path.join(folder, `${name}.sleep`), String(seconds));
  }

  /** Beginnings and ends of hooks, in their order. */
  async function happened(): Promise<string[]> {
    return (await readFile(order, 'utf8').catch(() => '')).split('\n');
  }

  async function told(): Promise<string[]> {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }

  async function pointOf(id: string) {
    const bytes = await repositoryStore(test.site.repository).readSmall(`recovery-points/${id}.json`);
    return recoveryPoint.parse(JSON.parse(Buffer.from(bytes ?? '').toString()));
  }

  async function configure(change: (config: SiteInput) => SiteInput): Promise<void> {
    const config: SiteInput = parse(await readFile(test.file, 'utf8'));
    await writeFile(test.file, stringify(change(config)));
  }
});
