import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { readGraph } from '../../client/runs/graph.ts';
import { startRun } from '../../client/runs/start.ts';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import { TEAR_DOWN } from '../../model/drill/steps.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { processesNaming } from '../support/processes.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { atPoint, startCommand, type CommandProcess, type SignalPoint } from '../support/worker-process.ts';

/** Milliseconds. */
const HOUR = 3_600_000;

describe('drDrill, its worker killed in the middle', function () {
  this.timeout(120_000);
  let temporal: TemporalProcess;
  let folder: string;
  let cache: TestRedis;
  let test: TestSite;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(folder);
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    await mkdir(path.join(folder, 'redis'));
    cache = await startRedis({ folder: path.join(folder, 'redis') });
    await cache.run('SET', 'key', 'value');
    test = await makeSite({
      folder,
      sources: { cache: cache.config() },
      plans: { drill: { scratch: path.join(folder, 'scratch'), retryFirst: '100ms', heartbeat: '2s' } },
      temporal: { address: temporal.address },
    });
    const first = worker();
    await first.printed('serves');
    const asked = { site: 'test', plan: 'daily', scheduled: '2026-11-20T02:00:00Z', sources: ['cache'] };
    assert.equal((await (await startRun(temporal.client(), asked)).result()).outcome, 'complete');
    await first.end();
  });

  after(async () => {
    for (const one of started) if (one.running()) await one.end();
    await cache?.stop();
    await temporal?.stop();
    await cleanUp();
  });

  const points = [
    // Recovered, and nobody knows.
    { at: 'activities/operations/drill/restore.ts#restoreDrilled', when: 'left' },
    // Its service runs, and dies with the worker: another one is started.
    { at: 'activities/operations/drill/services.ts#probeDrilled' },
    // All is over but that.
    { at: 'activities/operations/drill/sandbox.ts#removeSandbox' },
  ] satisfies readonly SignalPoint[];
  it('P49 the same drill goes on, wherever its worker is killed, and leaves neither data nor a server behind', async () => {
    const scratch = path.join(folder, 'scratch');
    let run: Awaited<ReturnType<typeof startRun>> | undefined;
    for (const point of points) {
      const reached = path.join(folder, path.basename(point.at));
      const dying = worker(point, reached);
      await dying.printed('serves');
      const asked = { site: 'test', plan: 'drill', scheduled: '2026-11-22T00:00:00Z', sources: ['cache'] };
      run ??= await startRun(temporal.client(), asked);
      await atPoint(dying, point, reached);
      assert.ok(existsSync(reached));
      assert.equal((await readdir(scratch)).length, 1, `it was at work (${point.at})`);
    }
    assert.ok(run);
    const living = worker();
    await living.printed('serves');
    const { outcome, drill } = await run.result();
    assert.equal(outcome, 'complete', JSON.stringify(drill));
    const [source] = drill?.sources ?? [];
    assert.ok((source?.restored?.bytes ?? 0) > 0);
    // What was recovered before is not recovered again, whatever died later.
    assert.equal(source?.steps.find(({ name }) => name === 'restore')?.attempts, 2);
    assert.deepEqual(await readdir(scratch), []);
    assert.ok((await patience(run.workflowId)) >= 12 * HOUR, 'a host that is away is waited for as in every step');
    await living.end();
    assert.deepEqual(processesNaming(scratch), []);
  });

  it('waits only briefly for what is to be removed where it was cancelled', async () => {
    const living = worker();
    await living.printed('serves');
    const asked = { site: 'test', plan: 'drill', scheduled: '2026-11-22T09:00:00Z', manual: ['restore'] } as const;
    const run = await startRun(temporal.client(), { ...asked, sources: ['cache'] });
    await until('its sandbox is there', async () => (await readdir(path.join(folder, 'scratch'))).length > 0);
    await run.cancel();
    await assert.rejects(run.result());
    assert.ok((await patience(run.workflowId)) < HOUR);
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    await living.end();
  });

  it('shows of a source how far it had come when it was cancelled, and leaves nothing of a start that goes on', async () => {
    const point: SignalPoint = { at: 'activities/operations/drill/services.ts#startDrilled', signal: 'HOLD' };
    const reached = path.join(folder, 'starting');
    const living = worker(point, reached);
    await living.printed('serves');
    const asked = { site: 'test', plan: 'drill', scheduled: '2026-11-22T10:00:00Z', sources: ['cache'] };
    const run = await startRun(temporal.client(), asked);
    await atPoint(living, point, reached);
    await run.cancel();
    await assert.rejects(run.result());
    const { steps = [] } = (await readGraph(temporal.client(), run.workflowId)) ?? {};
    assert.deepEqual(
      steps.filter(({ id }) => id.startsWith('cache/')).map(({ name, state }) => [name, state]),
      [
        ['fetch', 'done'],
        ['restore', 'done'],
        ['start', 'failed'],
        ['probe', 'skipped'],
      ],
    );
    assert.deepEqual(await readdir(path.join(folder, 'scratch')), []);
    await living.end();
    assert.doesNotMatch(living.output(), /unhandled/i);
  });

  /** Milliseconds from the beginning of the removal to when it would have been given up. */
  async function patience(id: string): Promise<number> {
    const graph = await readGraph(temporal.client(), id);
    const { started: began, deadline } = graph?.steps.find((step) => step.id === TEAR_DOWN) ?? {};
    assert.ok(began && deadline, JSON.stringify(graph));
    return Date.parse(deadline) - Date.parse(began) + 1000;
  }

  function worker(point?: SignalPoint, reached?: string): CommandProcess {
    const own = startCommand({
      args: ['-c', test.file, 'worker'],
      owner: folder,
      ...(point && reached ? { point, reached } : {}),
    });
    started.push(own);
    return own;
  }
});
