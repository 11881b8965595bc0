import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { siteSigner } from '../../activities/keys/site-keys.ts';
import type { Session } from '../../client/runs/session.ts';
import type { Delivered } from '../../model/catch-up.ts';
import { taskQueues, type RunReport } from '../../model/run.ts';
import { writeBackup } from '../support/backups.ts';
import { json, mosaicHere } from '../support/command-line.ts';
import { isBackupError } from '../support/errors.ts';
import { cleanUp, plugIn, smallFileSystem, temporaryFolder, unmount } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { scheduledTimes } from '../support/scheduled.ts';
import { openSession, runCatchUp, runDaily } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

const metadata = z.object({ currentDetails: z.string() });
const points = z.looseObject({
  recoveryPoints: z.array(z.looseObject({ id: z.string(), outcome: z.string(), wholeNow: z.boolean() })),
  behind: z.array(
    z.looseObject({ destination: z.string(), state: z.string(), backups: z.number(), since: z.string().nullable() }),
  ),
});
const standing = z.looseObject({
  destinations: points.shape.behind,
  lastRun: z.looseObject({ outcome: z.string(), wholeNow: z.boolean() }).nullable(),
});

describe('catchUp', () => {
  let vault: string;
  let vaultDisk: string;
  let usb: string;
  let usbDisk: string;
  let hook: Webhook;
  let test: TestSite;
  let session: Session;
  const scheduled = scheduledTimes();

  before(async () => {
    const folder = await temporaryFolder();
    [vault, usb] = [path.join(folder, 'vault'), path.join(folder, 'usb')];
    [vaultDisk, usbDisk, hook] = await Promise.all([smallFileSystem('16m'), smallFileSystem('16m'), startWebhook()]);
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'x'.repeat(100_000));
    test = await makeSite({
      folder,
      // Fixed days: nothing of them is over.
      retention: { prune: false },
      sources: { stack: { type: 'files', paths: [data] } },
      destinations: {
        vault: { type: 'directory', path: vault, alertAfter: '1ms' },
        usb: { type: 'directory', path: usb, removable: true },
        remote: { type: 'directory', path: path.join(folder, 'remote') },
        slow: {
          type: 'directory',
          path: path.join(folder, 'slow'),
          tiers: ['weekly'],
          windows: [{ from: '00:00', to: '24:00', maxRate: '10kB' }],
        },
      },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/`, on: ['copies-behind'] }],
      plans: {
        daily: {
          captureDeadline: '10s',
          copyDeadline: '1s',
          verifyDeadline: '10s',
          retryFirst: '100ms',
          retryMax: '200ms',
        },
        catchUp: { deadline: '2s', workerDeadline: '5s', retryFirst: '100ms', heartbeat: '5s' },
      },
      temporal: await ownTemporal(),
    });
    plugIn(vaultDisk, vault);
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await hook?.stop();
    await cleanUp();
  });

  it('a run is complete without a removable disk, and says that its copy comes later', async () => {
    const { outcome, sources } = await runDaily({ session, site: 'test', scheduled: scheduled() });
    assert.equal(outcome, 'complete', JSON.stringify(sources));
    assert.deepEqual(sources[0]?.copies.map(({ destination }) => destination).toSorted(), ['remote', 'vault']);
    assert.deepEqual(
      sources[0].skipped?.map(({ destination }) => destination),
      ['usb'],
    );
    const tick = await catchUp();
    assert.deepEqual(states(tick), { vault: 'served', usb: 'absent', remote: 'served', slow: 'served' });
    assert.equal(tick.outcome, 'complete', JSON.stringify(tick));
  });

  it('a run that ended partial by a destination that was away becomes whole: shown, told, and told again when it is over', async () => {
    unmount(vault);
    const partial = await runDaily({ session, site: 'test', scheduled: scheduled() });
    assert.equal(partial.outcome, 'partial');
    const away = await catchUp();
    assert.equal(away.outcome, 'partial');
    assert.deepEqual(states(away), { vault: 'unreachable', usb: 'absent', remote: 'served', slow: 'served' });
    assert.deepEqual(told(), ['raised copies-behind']);
    assert.match(hook.received[0]?.message ?? '', /vault lacks 2 backups .*The destination vault is not there/);
    const before = await listed();
    assert.equal(before.recoveryPoints.find(({ id }) => id === partial.runId)?.wholeNow, false);
    assert.equal(
      before.behind.find(({ destination }) => destination === 'vault')?.backups,
      2,
      "the source's, and the host's own",
    );
    const status = standing.parse(JSON.parse((await mosaicHere(['-c', test.file, '--json', 'status'])).stdout));
    assert.equal(status.destinations.find(({ destination }) => destination === 'vault')?.state, 'unreachable');

    plugIn(vaultDisk, vault);
    plugIn(usbDisk, usb);
    const served = await catchUp();
    assert.equal(served.outcome, 'complete', JSON.stringify(served));
    assert.deepEqual(states(served), { vault: 'served', usb: 'served', remote: 'served', slow: 'served' });
    assert.deepEqual(told(), ['raised copies-behind', 'resolved copies-behind']);
    const after = await listed();
    const point = after.recoveryPoints.find(({ id }) => id === partial.runId);
    assert.deepEqual([point?.outcome, point?.wholeNow], ['partial', true], 'what was signed is not changed');
    assert.deepEqual(
      after.behind.map(({ backups }) => backups),
      [0, 0, 0, 0],
    );
    const since = await mosaicHere(['-c', test.file, 'status']);
    assert.match(since.stdout, /partial; every copy was made since: whole now/);
    assert.equal((await mosaicHere(['-c', test.file, 'verify', '--destination', 'vault'])).code, 0);
  });

  it('one that a schedule starts knows its time from its id, works on the short queue, and its history is small', async () => {
    const workflowId = 'catch-up-2026-11-24T05:45:00Z';
    const report = await tick(workflowId);
    assert.equal(report.runId, workflowId);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const handle = session.client.workflow.getHandle(workflowId);
    const { historyLength } = await handle.describe();
    assert.ok(historyLength <= 60, `${historyLength} events for four destinations`);
    const { currentDetails } = metadata.parse(await handle.query('__temporal_workflow_metadata'));
    assert.match(currentDetails, /^\| vault \| \w+ \| served \| 0 \|/m);
    const child = session.client.workflow.getHandle(`catch-up/test/vault/${test.site.host}`);
    const { events } = await child.fetchHistory();
    const queues = (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.taskQueue?.name ?? []);
    assert.deepEqual(queues, [taskQueues('test', test.site.host).short]);
  });

  it('a copy that takes long keeps no tick waiting, and is made once', async () => {
    const backup = await writeBackup(test.site.repository, {
      source: 'stack',
      group: 'apps',
      tier: 'weekly',
      artifacts: { 'base.tar.zst.age': randomBytes(60_000) },
      fields: { host: test.site.host },
      signer: await siteSigner(test.site),
    });
    const first = await tick('catch-up-2026-11-24T06:00:00Z');
    assert.equal(states(first)['slow'], 'copying', JSON.stringify(first));
    assert.equal(states(first)['vault'], 'served', 'and no other destination');
    const second = await tick('catch-up-2026-11-24T06:15:00Z');
    assert.equal(states(second)['slow'], 'copying', JSON.stringify(second));
    const child = session.client.workflow.getHandle(`catch-up/test/slow/${test.site.host}`);
    const delivered: Delivered = await child.result();
    assert.deepEqual([delivered.state, delivered.copied.backups], ['served', 1], JSON.stringify(delivered));
    assert.ok(delivered.milliseconds > 4_000, 'so many bytes a second, and no more');
    const there = await readdir(path.join(test.site.repository, '..', 'slow', backup.folder));
    assert.deepEqual(there.toSorted(), ['base.tar.zst.age', 'key.age', 'manifest.json']);
  });

  it('by hand it ends when nothing is owed, with a line a destination', async () => {
    const ended = await mosaicHere(['-c', test.file, 'run', 'catch-up']);
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, /^slow +\w+ +served/m);
    assert.match(ended.stderr, /^vault from \w+: complete/m);
  });

  it('takes no sources, and no time but now', async () => {
    await isBackupError(catchUp(['stack']), 'usage');
    const ended = await mosaicHere(['-c', test.file, '--json', 'run', 'catch-up', '--at', '2026-11-23T02:00:00Z']);
    assert.equal(json(ended).error?.code, 'usage');
    const planned = await mosaicHere(['-c', test.file, 'run', 'catch-up', '--dry-run']);
    assert.match(planned.stdout, /^usb +\w+$/m);
  });

  function catchUp(sources?: readonly string[]): Promise<RunReport> {
    return runCatchUp({ session, site: 'test', scheduled: scheduled(), ...(sources ? { sources } : {}) });
  }

  /** As the schedule starts it. */
  function tick(workflowId: string): Promise<RunReport> {
    const args = [{ site: 'test', plan: 'catch-up' }];
    return session.client.workflow.execute('catchUp', { workflowId, taskQueue: 'test', args });
  }

  function states({ destinations = [] }: RunReport): Record<string, string> {
    return Object.fromEntries(destinations.map(({ destination, state }) => [destination, state]));
  }

  function told(): readonly string[] {
    return hook.received.map(({ state, alert }) => `${state} ${alert}`);
  }

  async function listed() {
    return points.parse(JSON.parse((await mosaicHere(['-c', test.file, '--json', 'list'])).stdout));
  }
});
