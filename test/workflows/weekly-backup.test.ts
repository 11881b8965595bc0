import assert from 'node:assert/strict';
import { WorkflowFailedError } from '@temporalio/client';
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { verifyInRepository } from '../../activities/operations/verify-copy.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { heldLease } from '../../activities/storage/lease.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import { recoveryPoint } from '../../model/recovery-point.ts';
import { formatReference, type PinnedReference } from '../../model/reference.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { damageFile } from '../support/damage.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runDaily, runMonthly, runWeekly } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { jitterThat } from '../support/timed-run.ts';
import { until } from '../support/until.ts';
import { testWork } from '../support/work.ts';

const WAITS = { captureDeadline: '4s', retryFirst: '100ms', retryMax: '500ms', heartbeat: '5s', busy: '1s' };

describe('weeklyBackup', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;

  before(async () => {
    folder = await temporaryFolder();
    const data = (name: string) => path.join(folder, 'data', name);
    await fill(data('alpha'), 200);
    await fill(data('beta'), 200);
    await fill(data('gamma'), 200);
    await fill(data('slow'), 800_000);
    test = await makeSite({
      folder,
      sources: {
        alpha: { type: 'files', paths: [data('alpha')] },
        beta: { type: 'files', group: 'configs', paths: [data('beta')] },
        gamma: { type: 'files', group: 'configs', paths: [data('gamma')] },
        slow: { type: 'files', paths: [data('slow')], limits: { maxRate: '200kB' } },
      },
      plans: { daily: WAITS },
      retention: { prune: false },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  it('makes a full of every source; the daily of the same night takes it, and nothing is read or copied twice', async () => {
    const sources = ['alpha', 'beta'];
    assert.equal(kindOf(await daily('2026-11-21T02:00:00Z', sources)), 'full');
    assert.equal(kindOf(await daily('2026-11-21T14:00:00Z', sources)), 'incremental');
    const weekly = await runWeekly({ session, site: 'test', scheduled: '2026-11-22T01:00:00Z', sources });
    assert.equal(weekly.outcome, 'complete', JSON.stringify(weekly));
    const fulls = ['weekly/alpha/20261122T010000Z-full', 'weekly/beta/20261122T010000Z-full'];
    assert.deepEqual(takenBy(weekly), fulls);
    const stored = path.join(folder, 'vault', fulls[0] ?? '');
    const before = await touchedIn(stored);

    const night = await daily('2026-11-22T02:00:00Z', sources);
    assert.equal(night.outcome, 'complete', JSON.stringify(night));
    assert.deepEqual(takenBy(night), fulls);
    assert.ok(night.sources.every(({ captured, verified }) => captured?.existed && verified));
    assert.deepEqual(await touchedIn(stored), before, 'the copy of the weekly is the copy');
    assert.deepEqual(await backupsAt('20261122T020000Z'), []);
    const point = recoveryPoint.parse(
      JSON.parse(await readFile(path.join(folder, 'repository/recovery-points', `${night.runId}.json`), 'utf8')),
    );
    assert.deepEqual(
      point.sources.map(({ backup, stale, copies }) => [backup?.reference, stale, copies]),
      fulls.map((reference) => [reference, false, ['vault']]),
    );

    // By hand somebody wants a backup of now; and the next night goes on with the chain.
    assert.deepEqual(takenBy(await daily('2026-11-22T02:00:01Z', ['alpha'])), [
      'daily/alpha/20261122T020001Z-incremental',
    ]);
    assert.deepEqual(takenBy(await daily('2026-11-23T02:00:00Z', ['alpha'])), [
      'daily/alpha/20261123T020000Z-incremental',
    ]);
  });

  it('the monthly archives the weekly of its week, once that was verified', async () => {
    const scheduled = '2026-11-22T06:00:00Z';
    const monthly = await runMonthly({ session, site: 'test', scheduled, sources: ['alpha'] });
    assert.equal(monthly.outcome, 'complete', JSON.stringify(monthly));
    assert.deepEqual(takenBy(monthly), ['weekly/alpha/20261122T010000Z-full']);
    const [archived] = await readdir(path.join(folder, 'vault/monthly/alpha'));
    assert.equal(archived, '20261122T010000Z-full');
  });

  it('a daily waits for the capture of the weekly that is under way, however long that takes', async () => {
    const sources = ['slow'];
    const weekly = runWeekly({ session, site: 'test', scheduled: '2026-11-15T01:00:00Z', sources });
    const step = 'weekly-2026-11-15T01:00:00Z/slow';
    await until('the capture of the weekly', async () => (await heldLease(test.site.state, 'slow'))?.step === step);
    // Longer than `busy`, within which it would have failed.
    const night = await daily('2026-11-15T02:00:00Z', sources);
    assert.deepEqual(takenBy(night), ['weekly/slow/20261115T010000Z-full']);
    assert.equal(night.outcome, 'complete', JSON.stringify(night));
    assert.deepEqual(takenBy(await weekly), takenBy(night));
  });

  it('a daily captures where the weekly failed, and where it was found damaged', async () => {
    const away = path.join(folder, 'data', 'away');
    await rename(path.join(folder, 'data', 'gamma'), away);
    const weekly = await runWeekly({ session, site: 'test', scheduled: '2026-11-01T01:00:00Z', sources: ['gamma'] });
    assert.equal(weekly.outcome, 'failed');
    await rename(away, path.join(folder, 'data', 'gamma'));
    const night = await daily('2026-11-01T02:00:00Z', ['gamma']);
    assert.equal(night.sources[0]?.captured?.backup.reference.split('/')[0], 'daily', JSON.stringify(night));

    const made = await runWeekly({ session, site: 'test', scheduled: '2026-11-08T01:00:00Z', sources: ['gamma'] });
    const backup = made.sources[0]?.captured?.backup;
    assert.ok(backup);
    await damage(backup);
    await assert.rejects(verifyInRepository({ site: test.site, backup, work: testWork() }), {
      code: 'verification-failed',
    });
    const after = await daily('2026-11-08T02:00:00Z', ['gamma']);
    assert.match(after.sources[0]?.captured?.backup.reference ?? '', /^daily\/gamma\//, JSON.stringify(after));
  });

  it('a run that its schedule starts keeps its phases to their times; on demand the same plan goes at once', async () => {
    const due = wholeSeconds(Math.floor(Date.now() / 60_000) * 60_000);
    const at = due.slice(11, 16);
    const id = `daily-${due}`;
    const wait = Date.now() - Date.parse(due) + 4000;
    const jitter = jitterThat(`test/${id}`, wait);
    const before = await readFile(test.file, 'utf8');
    const plan = `daily:\n    at: "${at}"\n    phases: { apps: "${at}", system: "${at}", configs: "${at}" }\n    jitter: ${jitter}ms\n`;
    await writeFile(test.file, before.replace('daily:\n', plan));
    try {
      const handle = await startTimed(id);
      const waiting = await captureStep(id);
      assert.deepEqual([waiting.state, Date.parse(waiting.next ?? '') > Date.now() - 4000], ['pending', true]);
      const report: RunReport = await handle.result();
      assert.equal(report.runId, id);
      // Told in whole seconds.
      const begins = Date.parse(due) + Math.floor(wait / 1000) * 1000;
      const manifest = (await backupsAt(due.replaceAll(/[-:]/g, ''))).find(({ source }) => source === 'alpha');
      assert.ok(manifest && Date.parse(manifest.started) >= begins, JSON.stringify([manifest?.started, begins]));
      assert.equal(manifest.run, id);

      // The phases of this one lie half an hour ahead.
      await writeFile(test.file, before.replace('daily:\n', `daily:\n    at: "${at}"\n`));
      const started = Date.now();
      const now = await daily(due, ['alpha']);
      assert.equal(now.outcome, 'complete', JSON.stringify(now));
      assert.ok(Date.now() - started < 20 * 60_000);

      // Started by its schedule again it waits that long, and is cancelled at once while it does.
      const later = await startTimed(id);
      assert.equal((await captureStep(id)).next, wholeSeconds(Date.parse(due) + 30 * 60_000));
      await later.cancel();
      await assert.rejects(later.result(), (error) => error instanceof WorkflowFailedError);
    } finally {
      await writeFile(test.file, before);
    }
  });

  function daily(scheduled: string, sources: readonly string[]): Promise<RunReport> {
    return runDaily({ session, site: 'test', scheduled, sources });
  }

  /** As a schedule does: the time is in the id alone. */
  function startTimed(workflowId: string) {
    const args = [{ site: 'test', plan: 'daily' }];
    return session.client.workflow.start('dailyBackup', { workflowId, taskQueue: 'test', args });
  }

  /** Of the source alpha, once the run is planned. */
  function captureStep(run: string) {
    return until('the graph of the run', async () => {
      const graph = await readGraph(session.client, run).catch(() => null);
      return graph?.steps.find(({ id }) => id === 'alpha/capture');
    });
  }

  async function backupsAt(compact: string) {
    const catalogue = await listBackups(repositoryStore(path.join(folder, 'repository')), { logs: false });
    return catalogue.filter(({ name }) => name.id.startsWith(compact)).map(({ manifest }) => manifest);
  }

  async function damage({ reference }: PinnedReference): Promise<void> {
    const catalogue = await listBackups(repositoryStore(path.join(folder, 'repository')), { logs: false });
    const found = catalogue.find(({ name }) => formatReference(name) === reference);
    assert.ok(found);
    const [artifact] = found.manifest.artifacts;
    await damageFile(path.join(folder, 'repository', found.folder, artifact?.name ?? ''));
  }
});

async function fill(directory: string, bytes: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  const block = Buffer.from(Array.from({ length: bytes }, (_none, index) => (index * 31 + (index >> 8) * 7) % 251));
  await writeFile(path.join(directory, 'file'), block);
}

async function touchedIn(directory: string): Promise<readonly (readonly [string, number])[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.age') && name !== 'key.age');
  return Promise.all(
    names.toSorted().map(async (name) => [name, (await stat(path.join(directory, name))).mtimeMs] as const),
  );
}

function kindOf(report: RunReport): string | undefined {
  const kinds = new Set(report.sources.map(({ captured }) => captured?.kind));
  assert.equal(kinds.size, 1, JSON.stringify(report));
  return [...kinds][0];
}

function takenBy(report: RunReport): readonly string[] {
  return report.sources.map(({ captured }) => captured?.backup.reference ?? '').toSorted();
}
