import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { openDestination } from '../../activities/storage/destinations.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { planThaw, type ThawPlan } from '../../client/thaw/plan.ts';
import { startThaw, thawNow } from '../../client/thaw/run.ts';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import { BackupError } from '../../model/errors.ts';
import type { ThawReport } from '../../model/thaw.ts';
import { thawId } from '../../model/thaw.ts';
import { makeColdSite, type ColdSite } from '../support/cold.ts';
import { json, mosaicHere, type Ended } from '../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { startMoto, stopMoto, type Moto } from '../support/moto/index.ts';
import { openProxy, type Proxy } from '../support/proxy.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/until.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';
import {
  atPoint,
  startCommand,
  type CommandOptions,
  type CommandProcess,
  type SignalPoint,
} from '../support/worker-process.ts';

const metadata = z.looseObject({ currentDetails: z.string() });

describe('thawCopy', function () {
  this.timeout(240_000);
  let moto: Moto;
  let link: Proxy;
  let hook: Webhook;
  let temporal: TemporalProcess;
  let cold: ColdSite;
  const started: CommandProcess[] = [];

  before(async () => {
    moto = await startMoto();
    link = await openProxy(new URL(moto.endpoint).host);
    hook = await startWebhook();
    const folder = await temporaryFolder();
    temporal = await startTemporal(folder);
    await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
    const sources = ['killed', 'restored', 'cancelled', 'late', 'gone'];
    cold = await makeColdSite(
      { folder, moto, sources, endpoint: `http://${link.address}` },
      {
        temporal: { address: temporal.address },
        plans: { daily: { retryFirst: '100ms', retryMax: '200ms', heartbeat: '2s' } },
        notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      },
    );
  });
  beforeEach(() => moto.hold());
  after(async () => {
    for (const command of started) if (command.running()) await command.end();
    await temporal?.stop();
    await hook?.stop();
    await link?.close();
    await stopMoto();
    await cleanUp();
  });

  function run(...args: readonly string[]): CommandProcess {
    return keep(startCommand({ args: ['-c', cold.file, ...args], owner: cold.folder }));
  }

  function keep(command: CommandProcess): CommandProcess {
    started.push(command);
    return command;
  }

  async function worker(at: Pick<CommandOptions, 'point' | 'reached'> = {}): Promise<CommandProcess> {
    const command = keep(startCommand({ args: ['-c', cold.file, 'worker'], owner: cold.folder, ...at }));
    await command.printed('serves');
    return command;
  }

  function mosaic(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', cold.file, ...args]);
  }

  /** The objects of a source that were asked for, once for each request. */
  async function asked(source: string): Promise<readonly string[]> {
    return (await moto.asked()).map(({ object }) => object).filter((object) => object.includes(`/configs/${source}/`));
  }

  function idOf(reference: string): string {
    const backup = { reference, sha256: '' };
    return thawId({ site: 'test', destination: 'archive', backup, target: null });
  }

  async function onItsWay(id: string): Promise<ThawReport> {
    return until('all of it is asked for', async () => {
      const now = await thawNow(temporal.client(), id).catch(() => undefined);
      return now?.facts?.frozen.objects === 0 && now.facts.thawing.objects > 0 && now;
    });
  }

  function codeOf(error: unknown): string {
    return error instanceof BackupError ? error.code : String(error);
  }

  /** The plan of a source's full, as the command makes it. */
  async function planOf(source: string): Promise<ThawPlan> {
    const store = openDestination('archive', cold.site);
    const chain = (await listBackups(store)).filter(({ manifest }) => manifest.source === source).slice(0, 1);
    return planThaw({ site: cold.site, destination: 'archive', store, chain, replay: null });
  }

  it('goes on after its worker is killed right after it has asked, and in the middle of the wait with Temporal itself, and asks for nothing twice', async () => {
    const [, incremental] = cold.references('killed');
    const thaw = ['copies', 'thaw', incremental, '--from', 'archive', '--yes'];
    const reached = path.join(cold.folder, 'reached');
    const point: SignalPoint = { at: 'activities/operations/thaw/objects.ts#askFor', when: 'left' };
    const dying = await worker({ point, reached });
    const detached = await mosaic(...thaw, '--detach');
    assert.equal(detached.code, 0, detached.stderr);
    const id = idOf(incremental);
    await atPoint(dying, point, reached);
    assert.ok((await asked('killed')).length > 1, 'all of it was asked for, and nobody knows');
    const next = await worker();
    const before = await onItsWay(id);
    next.kill('SIGKILL');
    await next.ended;
    await temporal.kill();
    await temporal.start();
    await worker();
    const handle = temporal.client().workflow.getHandle(id);
    const details = await until('its worker answers again', () =>
      handle.query('__temporal_workflow_metadata').then(
        (found) => metadata.parse(found),
        () => undefined,
      ),
    );
    assert.match(details.currentDetails, /\*\*waiting\*\* until .*\| on its way \| \d+ \|/s);
    const told = await mosaic('copies', 'thaw', incremental, '--from', 'archive', '--status');
    assert.match(told.stdout, /asked for \(standard\)/);
    assert.match(told.stdout, /archive: 0 of \d+ objects readable/);

    // The same thing asked again, at another speed, is the same wait.
    const joined = run(...thaw, '--speed', 'bulk');
    await joined.printed('asked for with the speed standard already, which stays');
    await moto.release();
    const { code } = await joined.ended;
    assert.equal(code, 0, joined.output());
    assert.match(joined.stdout(), /is readable until/);
    const report = await thawNow(temporal.client(), id);
    assert.deepEqual([report.outcome, report.started], ['complete', before.started]);
    const objects = await asked('killed');
    assert.equal(objects.length, report.facts?.all.objects);
    assert.equal(new Set(objects).size, objects.length);
  });

  it('restore --thaw asks, waits and restores as the source was; killed and given again it joins the same wait', async () => {
    const [, incremental] = cold.references('restored');
    const to = path.join(cold.folder, 'restored');
    const restore = ['restore', incremental, '--from', 'archive', '--thaw', 'bulk', '--to', to];
    const first = run(...restore);
    await onItsWay(idOf(incremental));
    first.kill('SIGKILL');
    await first.ended;
    const again = run(...restore);
    await again.printed('0 of');
    const left = run(...restore);
    await left.printed('0 of');
    left.kill('SIGINT');
    assert.equal((await left.ended).code, 130, left.output());
    assert.match(left.output(), /The wait goes on without this command/);
    assert.ok(!existsSync(to));
    await moto.release();
    assert.equal((await again.ended).code, 0, again.output());
    await cold.assertRestored('restored', to);
    const objects = await asked('restored');
    assert.equal(new Set(objects).size, objects.length, 'nothing was asked for twice');
  });

  it('a cancelled wait ends, takes nothing back, and can be begun again', async () => {
    const [full, incremental] = cold.references('cancelled');
    const thaw = ['copies', 'thaw', full, '--from', 'archive'];
    assert.equal((await mosaic(...thaw, '--yes', '--detach')).code, 0);
    await onItsWay(idOf(full));
    const cancelled = await mosaic(...thaw, '--cancel');
    assert.match(cancelled.stdout, /cannot be taken back/);
    const handle = temporal.client().workflow.getHandle(idOf(full));
    await until('it is cancelled', async () => (await handle.describe()).status.name === 'CANCELLED');
    const told = await mosaic(...thaw, '--status');
    assert.match(told.stdout, /nobody waits for it; what was asked for comes all the same/);
    const before = await asked('cancelled');
    await moto.release();
    const again = await mosaic(...thaw, '--yes');
    assert.match(again.stdout, /all of it can be read now/);
    assert.deepEqual(await asked('cancelled'), before);
    const none = await mosaic('copies', 'thaw', incremental, '--from', 'archive', '--status');
    assert.equal(none.code, 6, none.stdout);
  });

  it('begins its history anew, outlives a place that is away, and is an alert when it is later than promised', async () => {
    const [full] = cold.references('late');
    const plan = await planOf('late');
    const late = { ...plan, waits: { ...plan.waits, promised: 0 } };
    const handle = await startThaw(temporal.client(), late, { looksPerRun: 2 });
    const first = (await handle.describe()).runId;
    const told = await until('somebody is told', () => hook.received.find(({ alert }) => alert === 'thaw-late'));
    assert.match(told.message, new RegExp(`${full} was asked for at archive .* objects cannot be read yet`));
    await until('its history began anew', async () => (await handle.describe()).runId !== first);
    link.cut();
    await until('the place is away', async () => {
      const now = await thawNow(temporal.client(), handle.workflowId);
      return now.error?.code === 'unreachable' && now.facts !== null;
    });
    const away = await mosaic('copies', 'thaw', full, '--from', 'archive', '--status');
    assert.equal(away.code, 0, away.stderr);
    assert.match(away.stdout, /the last look failed, and is made again: .*archive/);
    link.mend();
    await moto.release();
    const report = await handle.result();
    assert.equal(report.outcome, 'complete');
    assert.deepEqual(
      hook.received.map(({ alert, state }) => `${state} ${alert}`),
      ['raised thaw-late', 'resolved thaw-late'],
    );
    assert.equal((await asked('late')).length, plan.facts.all.objects);
  });

  it('fails at once where it cannot even begin', async () => {
    const plan = await planOf('gone');
    const gone = { ...plan, input: { ...plan.input, folder: 'yearly/gone/gone' } };
    const handle = await startThaw(temporal.client(), gone);
    await assert.rejects(handle.result());
    const { reference } = plan.input.backup;
    const status = await mosaic('--json', 'copies', 'thaw', reference, '--from', 'archive', '--status');
    assert.equal(status.code, 6, status.stdout);
    assert.match(json(status).error?.message ?? '', /is not there any more/);
    // Whoever asks is told that the place is away, and does not wait for what was never asked for.
    link.cut();
    const away = await startThaw(temporal.client(), plan);
    await assert.rejects(away.result());
    assert.equal(await thawNow(temporal.client(), away.workflowId).catch(codeOf), 'unreachable');
    link.mend();
    assert.deepEqual(await asked('gone'), []);
  });

  it('that nobody waits any longer is told to whoever has left, and to whoever asks', async () => {
    const [full] = cold.references('gone');
    const thaw = ['copies', 'thaw', full, '--from', 'archive'];
    assert.equal((await mosaic(...thaw, '--yes', '--detach')).code, 0);
    await onItsWay(idOf(full));
    await temporal.client().workflow.getHandle(idOf(full)).terminate('by an operator');
    const ended = await mosaic('--json', ...thaw, '--status');
    assert.match(json(ended).error?.message ?? '', /ended without a report/);

    assert.equal((await mosaic(...thaw, '--yes', '--detach')).code, 0);
    await onItsWay(idOf(full));
    const before = hook.received.length;
    const Key = `${full.replace('daily', 'configs')}/manifest.json`;
    await moto.admin.deleteObject({ Bucket: cold.bucket, Key });
    const told = await until('somebody is told', () => hook.received[before]);
    assert.equal(told.alert, 'thaw-failed');
    assert.match(told.message, new RegExp(`${full} is not waited for at archive any longer: .* not there any more`));
    // It is told right before it ends.
    const failed = await until('it has ended', async () => {
      const status = await mosaic('--json', ...thaw, '--status');
      return status.code === 6 && status;
    });
    assert.match(json(failed).error?.message ?? '', /is not there any more/);
    const objects = await asked('gone');
    assert.equal(new Set(objects).size, objects.length, 'asked for once');
  });
});
