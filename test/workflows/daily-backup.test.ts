import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { verifySignature } from '../../activities/keys/signing.ts';
import type { Session } from '../../client/runs/session.ts';
import { plainView } from '../../client/runs/view.ts';
import { BackupError } from '../../model/errors.ts';
import { canonical } from '../../model/manifest.ts';
import type { RunReport, SourceReport } from '../../model/run.ts';
import { recoveryPoint, type RecoveryPoint } from '../../model/recovery-point.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { openSession, runDaily } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import { ownTemporal } from '../support/ports.ts';

/** What the Web UI asks a workflow for. */
const metadata = z.looseObject({ currentDetails: z.string() });

const SOURCES = ['alpha', 'beta', 'gamma'];
const WAITS = {
  captureDeadline: '5s',
  copyDeadline: '2s',
  verifyDeadline: '5s',
  retryFirst: '100ms',
  retryMax: '1s',
  heartbeat: '5s',
};

describe('dailyBackup', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;

  before(async () => {
    folder = await temporaryFolder();
    for (const source of SOURCES) await fill(path.join(folder, 'data', source), 200);
    await fill(path.join(folder, 'data', 'slow'), 2_000_000);
    await fill(path.join(folder, 'data', 'steady'), 1_300_000);
    await fill(path.join(folder, 'data', 'shared'), 600_000);
    const files = Object.fromEntries(
      SOURCES.map((source) => [source, { type: 'files' as const, paths: [path.join(folder, 'data', source)] }]),
    );
    test = await makeSite({
      folder,
      sources: {
        ...files,
        broken: { type: 'files', paths: [path.join(folder, 'data', 'not-there')] },
        steady: { type: 'files', paths: [path.join(folder, 'data', 'steady')], limits: { maxRate: '200kB' } },
        shared: { type: 'files', paths: [path.join(folder, 'data', 'shared')], limits: { maxRate: '200kB' } },
        slow: { type: 'files', paths: [path.join(folder, 'data', 'slow')], limits: { maxRate: '200kB' } },
      },
      plans: { daily: WAITS },
      temporal: await ownTemporal(),
    });
    await mkdir(path.join(folder, 'vault'), { recursive: true });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  it('captures, copies, verifies and signs a recovery point over all sources', async () => {
    const report = await daily('2026-11-20T02:00:00Z', SOURCES);
    assert.equal(report.outcome, 'complete', JSON.stringify(report, undefined, 1));
    for (const source of report.sources) {
      assert.equal(source.verified, true);
      assert.deepEqual(
        source.copies.map(({ destination }) => destination),
        ['vault'],
      );
      assert.equal(source.captured?.existed, false);
    }
    const point = await pointOf('daily-2026-11-20T02:00:00Z');
    const { signature, ...signed } = point;
    assert.equal(verifySignature(canonical(signed), signature, await trustedKeys(test.site)), 'good');
    assert.deepEqual(
      point.sources.map(({ source, stale }) => ({ source, stale })),
      SOURCES.map((source) => ({ source, stale: false })),
    );
  });

  it('P49 the same plan and time again does nothing twice', async () => {
    const before = await references();
    const report = await daily('2026-11-20T02:00:00Z', SOURCES);
    assert.equal(report.outcome, 'complete');
    assert.ok(report.sources.every(({ captured }) => captured?.existed));
    assert.deepEqual(await references(), before);
  });

  it('the same plan and time again for one source, named twice, keeps the others in the recovery point', async () => {
    const report = await daily('2026-11-20T02:00:00Z', ['beta', 'beta']);
    assert.deepEqual(
      report.sources.map(({ source, outcome }) => [source, outcome]),
      [['beta', 'complete']],
    );
    const { sources, outcome } = await pointOf(report.runId);
    assert.deepEqual(sources.map(({ source }) => source).toSorted(), SOURCES);
    assert.equal(outcome, 'complete');
  });

  it('P49 a run that is started twice at once is one run', async () => {
    const [first, second] = await Promise.all([
      daily('2026-11-20T03:00:00Z', ['alpha']),
      daily('2026-11-20T03:00:00Z', ['alpha']),
    ]);
    assert.deepEqual(first, second);
    assert.equal((await references()).filter((reference) => reference.includes('alpha/20261120T030000Z')).length, 1);
  });

  it('a source that another run of the same second has begun is busy, and is left to that', async () => {
    const scheduled = '2026-11-20T14:00:00Z';
    const input = { site: 'test', plan: 'daily', scheduled, sources: ['shared'] };
    const other = await session.client.workflow.start('dailyBackup', {
      workflowId: 'full-after-hole/test/shared',
      taskQueue: 'test',
      args: [input],
    });
    await until('it captures', async () => {
      const found = session.client.workflow.list({ query: `WorkflowId = "daily-${scheduled}/shared"` });
      for await (const { status } of found) return status.name === 'RUNNING';
      return false;
    });
    const report = await daily(scheduled, ['shared']);
    assert.equal(report.outcome, 'failed');
    assert.deepEqual(
      report.sources[0]?.errors.map(({ code }) => code),
      ['busy'],
    );
    const finished: RunReport = await other.result();
    assert.equal(finished.outcome, 'complete');
  });

  it('a run of other sources, or of another site, is not joined: its end would say nothing of this one', async () => {
    const scheduled = '2026-11-20T03:30:00Z';
    const running = daily(scheduled, ['alpha']);
    const handle = session.client.workflow.getHandle(`daily-${scheduled}`);
    await until('the run is there', () =>
      handle.describe().then(
        () => true,
        () => false,
      ),
    );
    const isBusy = (error: unknown) => error instanceof BackupError && error.code === 'busy';
    await assert.rejects(daily(scheduled, ['beta']), isBusy);
    await assert.rejects(runDaily({ session, site: 'other', scheduled, sources: ['alpha'] }), isBusy);
    assert.equal((await running).outcome, 'complete');
  });

  it('a step that is tried again shows its error and what to do: in lines at once, in the Web UI at the end first', async () => {
    const lines: string[] = [];
    const view = plainView((line) => void lines.push(line));
    const scheduled = '2026-11-20T03:45:00Z';
    const onProgress = (sources: Parameters<typeof view.update>[0]) => view.update(sources);
    const report = await runDaily({ session, site: 'test', scheduled, sources: ['broken'], onProgress });
    const remedy = report.sources[0]?.errors[0]?.remedy;
    assert.ok(remedy);
    assert.ok(
      lines.some((line) => /^broken: waiting, attempt \d+ of capture after: .*not-there/.test(line)),
      lines.join('\n'),
    );
    assert.equal(lines.filter((line) => line === `  What to do: ${remedy}`).length, 1, lines.join('\n'));
    const details = metadata.parse(
      await session.client.workflow.getHandle(report.runId).query('__temporal_workflow_metadata'),
    ).currentDetails;
    assert.match(details, /^\*\*failed\*\*\n\n\*\*broken\*\*: capture failed: .*\n\nWhat to do: .*\n\n\| source \|/s);
  });

  it('a step parses what it was sent: what is no name, tier or time fails at once, and nothing is written', async () => {
    const before = await readdir(test.site.repository);
    const step = {
      source: 'alpha',
      type: 'files',
      group: 'apps',
      host: test.site.host,
      tier: '../..',
      destinations: [],
    };
    const sent = {
      site: 'test',
      runId: '../daily-2026-11-20T03:50:00Z',
      scheduled: 'yesterday',
      step,
      waits: test.site.config.plans.daily,
    };
    const options = { workflowId: 'sent-by-somebody', taskQueue: 'test', args: [sent] };
    const report: SourceReport = await session.client.workflow.execute('backupSource', options);
    assert.equal(report.outcome, 'failed');
    assert.equal(report.errors[0]?.code, 'usage');
    for (const field of ['runId', 'scheduled', 'step.tier'])
      assert.match(report.errors[0].message, new RegExp(`at ${field.replace('.', '\\.')}`));
    assert.deepEqual(await readdir(test.site.repository), before);
  });

  it('a source that fails stops nothing else, and the report says which step and what to do', async () => {
    const report = await daily('2026-11-20T04:00:00Z', ['alpha', 'broken']);
    assert.equal(report.outcome, 'partial');
    const [alpha, broken] = report.sources;
    assert.equal(alpha?.outcome, 'complete');
    assert.equal(broken?.outcome, 'failed');
    assert.match(broken?.errors[0]?.message ?? '', /not-there/);
    assert.equal(broken?.errors[0]?.step, 'capture');
    assert.ok(broken?.errors[0]?.remedy);
  });

  it('a capture that is well at work at its deadline goes on: the deadline is for what fails', async () => {
    const started = Date.now();
    const report = await daily('2026-11-20T04:30:00Z', ['steady']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.ok(Date.now() - started > 5000, 'it was quicker than its deadline: the test shows nothing');
  });

  it('cancelling ends the children, cleans staging and publishes nothing', async () => {
    const cancel = new AbortController();
    const running = runDaily({
      session,
      site: 'test',
      scheduled: '2026-11-20T05:00:00Z',
      sources: ['slow'],
      signal: cancel.signal,
      onProgress: ([slow]) => {
        if (slow?.activities.some(({ bytes }) => (bytes ?? 0) > 0)) cancel.abort();
      },
    });
    await assert.rejects(running, (error) => error instanceof BackupError && error.code === 'aborted');
    // The run ends only after its steps have: who sees it ended finds nothing half-made.
    assert.deepEqual(await staging(), []);
    assert.equal(
      (await references()).some((reference) => reference.includes('slow')),
      false,
    );
  });

  it('a destination that is away makes the run partial, and the next run of the same time complete', async () => {
    const vault = path.join(folder, 'vault');
    await rename(vault, `${vault}.away`);
    const away = await daily('2026-11-20T06:00:00Z', ['alpha']);
    assert.equal(away.outcome, 'partial');
    assert.match(away.sources[0]?.errors[0]?.step ?? '', /vault/);
    await rename(`${vault}.away`, vault);
    const back = await daily('2026-11-20T06:00:00Z', ['alpha']);
    assert.equal(back.outcome, 'complete', JSON.stringify(back));
  });

  it('histories stay small: at most 35 events and 15 more per destination for a source', async () => {
    const handle = session.client.workflow.getHandle('daily-2026-11-20T02:00:00Z/alpha');
    const { historyLength } = await handle.describe();
    assert.ok(historyLength <= 35 + 15, `${historyLength} events`);
  });

  function daily(scheduled: string, sources: readonly string[]) {
    return runDaily({ session, site: 'test', scheduled, sources });
  }

  async function pointOf(id: string): Promise<RecoveryPoint> {
    const bytes = await repositoryStore(test.site.repository).readSmall(`recovery-points/${id}.json`);
    return recoveryPoint.parse(JSON.parse(Buffer.from(bytes ?? '').toString()));
  }

  async function references(): Promise<string[]> {
    return (await listBackups(repositoryStore(test.site.repository))).map(({ folder }) => folder).toSorted();
  }

  async function staging(): Promise<string[]> {
    return readdir(path.join(test.site.repository, '.staging'));
  }
});

async function fill(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'file.bin'), crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536))));
  for (let written = 65_536; written < bytes; written += 65_536) {
    await writeFile(path.join(folder, `file-${written}.bin`), crypto.getRandomValues(new Uint8Array(65_536)));
  }
}
