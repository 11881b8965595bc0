import assert from 'node:assert/strict';
import { appendFile, mkdir, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { directoryStore } from '../../activities/storage/directory.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { Session } from '../../client/runs/session.ts';
import { recoveryPoint } from '../../model/recovery-point.ts';
import type { RunReport } from '../../model/run.ts';
import { wholeSeconds } from '../../model/time.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { mosaicHere } from '../support/command-line.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runCatchUp, runDaily } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

const DAY = 86_400_000;

/** Each daily is of a day of its own, up to now: what counts by ages counts them, and nobody waits. */
describe('what is away for days', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;
  let hook: Webhook;
  const now = Date.now();

  before(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    for (const source of ['stack', 'wiki']) await mkdir(data(source), { recursive: true });
    test = await makeSite({
      folder,
      sources: {
        stack: { type: 'files', group: 'configs', paths: [data('stack')] },
        wiki: { type: 'files', paths: [data('wiki')] },
      },
      destinations: {
        vault: { type: 'directory', path: path.join(folder, 'vault'), alertAfter: '1ms' },
        remote: { type: 'directory', path: path.join(folder, 'remote') },
      },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: {
        daily: { captureDeadline: '1s', copyDeadline: '1s', retryFirst: '100ms', retryMax: '400ms', heartbeat: '5s' },
        catchUp: { deadline: '30s', workerDeadline: '5s', retryFirst: '100ms', heartbeat: '5s' },
      },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
  });

  after(async () => {
    await session?.close();
    await hook?.stop();
    await cleanUp();
  });

  it('a source that fails for a week is stale, with its last good backup, which retention keeps; it is told of, and no other is affected', async () => {
    const first = await daily(9);
    assert.equal(first.outcome, 'complete', JSON.stringify(first));
    const good = first.sources.find(({ source }) => source === 'wiki')?.captured?.backup;
    await rename(data('wiki'), data('gone'));
    const reports: RunReport[] = [];
    for (const ago of [7, 6, 5, 4, 3, 2, 1]) reports.push(await daily(ago));
    for (const { runId, outcome, sources } of reports) {
      assert.equal(outcome, 'partial');
      const [stack, wiki] = ['stack', 'wiki'].map((name) => sources.find(({ source }) => source === name));
      assert.equal(stack?.outcome, 'complete', JSON.stringify(stack));
      assert.equal(wiki?.outcome, 'failed');
      const entry = (await pointOf(runId)).sources.find(({ source }) => source === 'wiki');
      assert.deepEqual([entry?.stale, entry?.outcome, entry?.backup], [true, 'failed', good]);
    }
    assert.deepEqual(told('run-failed'), ['raised'], 'once, and not every night');
    for (const place of places()) assert.ok((await referencesAt(place)).includes(good?.reference ?? ''), place);
    await rename(data('gone'), data('wiki'));
    assert.equal((await daily(0.5)).outcome, 'complete');
    assert.deepEqual(told('run-failed'), ['raised', 'resolved']);
  });

  it('a destination that is away for three days lacks nothing afterwards: newest chain first, parents before children; it is told of', async () => {
    const vault = path.join(folder, 'vault');
    const before = await referencesAt('vault');
    await rename(vault, `${vault}.away`);
    for (const ago of [0.4, 0.3, 0.2]) {
      const { outcome, sources } = await daily(ago);
      assert.equal(outcome, 'partial');
      assert.ok(
        sources.every(({ captured, verified, copies }) => captured && verified && copies[0]?.destination === 'remote'),
        JSON.stringify(sources),
      );
      assert.equal((await catchUp()).outcome, 'partial');
    }
    assert.deepEqual(told('copies-behind'), ['raised'], 'once');
    const owed = (await referencesAt('remote')).filter((reference) => !before.includes(reference));
    await rename(`${vault}.away`, vault);
    assert.equal((await catchUp()).outcome, 'complete');
    assert.deepEqual(told('copies-behind'), ['raised', 'resolved']);
    assert.deepEqual(await referencesAt('vault'), await referencesAt('repository'));
    assert.deepEqual(await referencesAt('remote'), await referencesAt('repository'));

    const arrived = await arrivals('vault', owed);
    for (const { manifest } of await listBackups(directoryStore(vault))) {
      const [child, parent] = [arrived.get(referenceOf(manifest)), arrived.get(manifest.parent?.reference ?? '')];
      if (child !== undefined && parent !== undefined) assert.ok(parent <= child, referenceOf(manifest));
    }
    const verified = await mosaicHere(['-c', test.file, 'verify', '--destination', 'vault']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    assert.equal((await daily(0.1)).outcome, 'complete');
  });

  function data(source: string): string {
    return path.join(folder, 'data', source);
  }

  /** @param ago in days. */
  async function daily(ago: number): Promise<RunReport> {
    for (const source of ['stack', 'wiki'])
      await appendFile(path.join(data(source), 'diary'), `${ago} days ago\n`).catch(() => undefined);
    return runDaily({ session, site: 'test', scheduled: wholeSeconds(now - ago * DAY) });
  }

  function catchUp(): Promise<RunReport> {
    return runCatchUp({ session, site: 'test', scheduled: wholeSeconds(now + 1000 * ticks++) });
  }
});
