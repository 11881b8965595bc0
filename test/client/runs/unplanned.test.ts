/** A site of two hosts whose coordinator is down: another host's worker goes on with the workflows, and nobody plans a run, or ends it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { readGraph } from '../../../client/runs/graph.ts';
import { startRun } from '../../../client/runs/start.ts';
import { mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { startTemporal, type TemporalProcess } from '../../support/temporal-process.ts';
import { until } from '../../support/until.ts';
import { startCommand, type CommandProcess } from '../../support/worker-process.ts';

const metadata = z.looseObject({ currentDetails: z.string() });

describe('a run whose coordinator is down', function () {
  this.timeout(120_000);
  let folder: string;
  let file: string;
  let temporal: TemporalProcess;
  let near: CommandProcess;
  const started: CommandProcess[] = [];

  before(async () => {
    folder = await temporaryFolder();
    temporal = await startTemporal(await temporaryFolder());
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'of a stack');
    const slow = path.join(folder, 'slow');
    await mkdir(slow);
    await writeFile(path.join(slow, 'file'), randomBytes(800_000));
    const own = { repository: path.join(folder, 'far-repository'), state: path.join(folder, 'far-state') };
    ({ file } = await makeSite({
      folder,
      hosts: { near: {}, far: own },
      coordinator: 'near',
      sources: {
        stack: { type: 'files', host: 'near', paths: [data] },
        slow: { type: 'files', host: 'far', paths: [slow], limits: { maxRate: '200kB' } },
      },
      plans: { daily: { retryFirst: '100ms', retryMax: '1s', heartbeat: '2s' } },
      temporal: { address: temporal.address },
    }));
    await start('far', 'worker').printed('serves test');
  });

  after(async () => {
    await Promise.all(started.map((one) => one.end()));
    await temporal?.stop();
    await cleanUp();
  });

  it('says so where it is started and where it is looked at, and goes on by itself when that is back', async () => {
    const run = start('far', 'run', 'daily', '--source', 'stack');
    await run.printed('is not planned yet: the coordinator does not answer');
    await run.printed('What to do: Start it there');
    const [id = ''] = /daily-20[0-9TZ:-]+/.exec(run.output()) ?? [];
    const shown = await command('show', id);
    assert.match(
      shown.stdout,
      /: waiting\n.*! plan: waiting.*\n.*the coordinator does not answer.*until 20.*\n.*What to do: /,
    );
    assert.match((await command('list')).stdout, new RegExp(`${id} +waiting .* plan`));
    for (const what of ['retry', 'skip']) {
      const refused = await command(what, id, '--step', 'plan');
      assert.equal(refused.code, 7, refused.stderr);
      assert.match(refused.stderr, /it is not planned yet: the coordinator does not answer/);
    }
    await until('its page says so', async () => (await details(id)).startsWith('**waiting**'));
    assert.match(
      await details(id),
      /\*\*It is not planned yet\*\*: the coordinator does not answer.*\n\nWhat to do: Start it there.*\n\nIt is given up at 20/,
    );
    const [plan] = (await readGraph(temporal.client(), id))?.steps ?? [];
    assert.deepEqual([plan?.state, plan?.error?.code], ['waiting', 'unreachable']);
    near = start('near', 'worker');
    await near.printed('serves test');
    assert.equal((await run.ended).code, 0, run.output());
    assert.match((await command('show', id)).stdout, /: complete\n +✔ plan: done/);
    assert.doesNotMatch(await details(id), /coordinator|waiting/);
  });

  it('says so at its end too, where only the coordinator can sign what was done', async () => {
    const { workflowId: id, result } = await startRun(temporal.client(), {
      site: 'test',
      plan: 'daily',
      scheduled: '2026-11-23T02:00:00Z',
      sources: ['slow'],
    }).then((handle) => ({ workflowId: handle.workflowId, result: handle.result() }));
    await until('it is being captured', async () => (await stepOf(id, 'slow/capture'))?.state === 'running');
    await near.end();
    await until(
      'its page says so',
      async () => (await details(id)).includes('the coordinator does not answer'),
      60_000,
    );
    assert.match(
      await details(id),
      /^\*\*recovery-point waits\*\*: the coordinator does not answer.*\n\nWhat to do: Start it there.*`retry` and `skip`/ms,
    );
    assert.equal((await stepOf(id, 'recovery-point'))?.state, 'waiting');
    await start('near', 'worker').printed('serves test');
    const report = await result;
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
  });

  async function stepOf(run: string, step: string) {
    return (await readGraph(temporal.client(), run).catch(() => null))?.steps.find(({ id }) => id === step);
  }

  /** As the Web UI shows them. */
  async function details(run: string): Promise<string> {
    const handle = temporal.client().workflow.getHandle(run);
    return metadata.parse(await handle.query('__temporal_workflow_metadata')).currentDetails;
  }

  function start(host: string, ...args: readonly string[]): CommandProcess {
    const process = startCommand({ args: ['-c', file, '--host', host, ...args], owner: folder });
    started.push(process);
    return process;
  }

  function command(...args: readonly string[]) {
    return mosaicHere(['-c', file, '--host', 'far', 'runs', ...args]);
  }
});
