import assert from 'node:assert/strict';
import path from 'node:path';
import { planRun } from '../../../activities/operations/plan-run.ts';
import { tellBegun, tellRun, tellWaiting } from '../../../activities/operations/tell-run.ts';
import type { Site } from '../../../activities/site.ts';
import { captureId, pendingStep } from '../../../model/graph.ts';
import type { Outcome } from '../../../model/recovery-point.ts';
import { runId, type RunReport } from '../../../model/run.ts';
import { pending } from '../../../workflows/run-reports.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startWebhook, type Webhook } from '../../support/webhook.ts';
import { testWork } from '../../support/work.ts';

const T0 = Date.UTC(2026, 10, 24, 2);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('telling of runs', () => {
  let hook: Webhook;
  let site: Site;
  let from = 0;

  before(async () => {
    hook = await startWebhook();
  });
  beforeEach(async () => {
    from = hook.received.length;
    const folder = await temporaryFolder();
    ({ site } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'data')] } },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: { daily: { remindAfter: '1h' }, custom: { noon: { at: '12:00' } } },
    }));
  });
  after(async () => {
    await hook?.stop();
    await cleanUp();
  });

  it('a step that waits is told again while it lasts, and its end once', async () => {
    await waits('daily', T0, T0);
    await waits('daily', T0, T0 + HOUR / 2);
    await waits('daily', T0, T0 + HOUR);
    assert.deepEqual(told(), ['raised step-waiting', 'raised step-waiting']);
    assert.match(hook.received.at(-1)?.message ?? '', /has been failing for 1h/);
    await waits('daily', T0, T0 + HOUR, 'done');
    assert.deepEqual(told().slice(2), ['resolved step-waiting']);
  });

  it('what waited in a run that was cancelled, terminated or lost is over with the next run of its plan', async () => {
    for (const next of [() => ends('daily', T0 + DAY, 'complete'), () => waits('daily', T0 + DAY, T0 + DAY, 'done')]) {
      const at = told().length;
      await waits('daily', T0, T0);
      await ends('weekly', T0, 'complete');
      await ends('daily', T0 + 1000, 'complete', []);
      assert.deepEqual(
        told().slice(at),
        ['raised step-waiting'],
        'of other plans, and one that could not begin, say nothing of it',
      );
      await next();
      assert.deepEqual(told().slice(at), ['raised step-waiting', 'resolved step-waiting']);
      await ends('daily', T0 + 2 * DAY, 'complete');
      assert.equal(told().length, at + 2, 'nothing is told again');
    }
  });

  it('what was wrong in runs of a plan that the config has no more is over with the next run of any', async () => {
    await waits('noon', T0, T0);
    await ends('noon', T0, 'failed');
    await waits('noon', T0, T0);
    const at = told().length;
    const { custom, ...plans } = site.config.plans;
    assert.ok(custom['noon']);
    site = { ...site, config: { ...site.config, plans: { ...plans, custom: {} } } };
    await ends('daily', T0 + DAY, 'complete');
    assert.deepEqual(told().slice(at).toSorted(), ['resolved run-failed', 'resolved step-waiting']);
  });

  it('how the last run of a plan ended takes the place of how those before it did', async () => {
    await ends('daily', T0, 'failed');
    await ends('daily', T0 + DAY, 'partial');
    assert.deepEqual(told(), ['raised run-failed', 'raised run-partial', 'resolved run-failed']);
    await ends('daily', T0 + 2 * DAY, null);
    await ends('weekly', T0, 'complete');
    assert.equal(told().length, 4, 'the reminder of the one that lasts, and no other');
    assert.deepEqual(told().slice(3), ['raised run-partial']);
    await ends('daily', T0 + 3 * DAY, 'complete');
    assert.deepEqual(told().slice(4), ['resolved run-partial']);
  });

  it('that a drill or a restore test could not begin is over when one has, or none is planned any more; not with a run of another plan', async () => {
    for (const plan of ['drill', 'restore-test'] as const) {
      const at = told().length;
      const error = { step: 'plan', code: 'config', message: 'no source', remedy: null };
      const report = { runId: idOf(plan, T0), outcome: 'failed', sources: [], errors: [error] } as const;
      const of = { site, work: testWork() };
      const couldNot = () => tellRun({ ...of, spec: { plan }, report, now: T0 });
      await couldNot();
      await ends('daily', T0, 'complete');
      assert.deepEqual(told().slice(at), ['raised run-failed'], plan);
      await tellBegun({ ...of, plan, runId: idOf(plan, T0 + DAY), isOver: false, now: T0 + 1 });
      assert.deepEqual(told().slice(at), ['raised run-failed', 'resolved run-failed'], plan);
      await couldNot();
      const { drill, restoreTest } = site.config.plans;
      const off = { drill: { ...drill, enabled: false }, restoreTest: { ...restoreTest, enabled: false } };
      const before = site;
      site = { ...site, config: { ...site.config, plans: { ...site.config.plans, ...off } } };
      await ends('daily', T0 + 1000, 'complete');
      assert.deepEqual(told().slice(at + 2), ['raised run-failed', 'resolved run-failed'], plan);
      site = before;
    }
  });

  it('a step of a drill or a restore test that waits does so until it says otherwise, or its run is over: no other run ends that', async () => {
    for (const plan of ['drill', 'restore-test'] as const) {
      const at = told().length;
      const of = { site, work: testWork(), plan, now: T0 + 1 };
      await waits(plan, T0, T0);
      await ends('daily', T0, 'complete');
      await waits('noon', T0, T0, 'done');
      await waits(plan, T0, T0 + 1, 'waiting', 'wiki');
      await tellBegun({ ...of, runId: idOf(plan, T0), isOver: false });
      assert.deepEqual(told().slice(at), ['raised step-waiting', 'raised step-waiting'], plan);
      await waits(plan, T0, T0 + 2, 'done', 'wiki');
      assert.deepEqual(told().slice(at + 2), ['resolved step-waiting'], plan);
      await tellBegun({ ...of, runId: idOf(plan, T0), isOver: true });
      assert.deepEqual(told().slice(at + 3), ['resolved step-waiting'], `${plan}: where it was cancelled`);
      await waits(plan, T0, T0);
      await tellBegun({ ...of, runId: idOf(plan, T0 + DAY), isOver: false });
      assert.deepEqual(
        told().slice(at + 4),
        ['raised step-waiting', 'resolved step-waiting'],
        `${plan}: with the next`,
      );
    }
  });

  it('a step of a drill that was asked for waits also where none are planned', async () => {
    const { drill, ...plans } = site.config.plans;
    site = { ...site, config: { ...site.config, plans: { ...plans, drill: { ...drill, enabled: false } } } };
    await waits('drill', T0, T0);
    await ends('daily', T0, 'complete');
    assert.deepEqual(told(), ['raised step-waiting']);
  });

  function told(): readonly string[] {
    return hook.received.slice(from).map(({ state, alert }) => `${state} ${alert}`);
  }

  async function waits(
    plan: string,
    scheduled: number,
    now: number,
    state: 'waiting' | 'done' = 'waiting',
    source = 'stack',
  ) {
    const error = { step: 'capture', code: 'unreachable', message: 'no answer', remedy: 'start it' };
    const step = { ...pendingStep(captureId(source), 'capture', `capture ${source}`), state, error };
    const since = new Date(scheduled).toISOString();
    const waiting = { site: 'test', runId: idOf(plan, scheduled), since, step, source, host: 'local' };
    assert.deepEqual(await tellWaiting({ site, waiting, now, work: testWork() }), []);
  }

  async function ends(
    plan: string,
    scheduled: number,
    outcome: Outcome | null,
    sources: RunReport['sources'] = [pending('stack')],
  ) {
    const spec = planRun(site, { site: 'test', plan, scheduled: new Date(scheduled).toISOString() });
    const report = { runId: spec.runId, outcome, sources, errors: [] };
    assert.deepEqual(await tellRun({ site, spec, report, now: scheduled + 1000, work: testWork() }), []);
  }

  function idOf(plan: string, scheduled: number): string {
    return runId(plan, new Date(scheduled).toISOString());
  }
});
