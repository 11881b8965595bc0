import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeScratch, scratchOf } from '../../activities/operations/scratch-place.ts';
import { trustedKeys } from '../../activities/keys/site-keys.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { readEvidence } from '../../activities/storage/evidence-file.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import { readGraph } from '../../client/runs/graph.ts';
import type { Session } from '../../client/runs/session.ts';
import { damageFile } from '../support/damage.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runDaily, runRestoreTest } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';
import { startWebhook, type Webhook } from '../support/webhook.ts';

describe('restoreTest', function () {
  this.timeout(120_000);
  let folder: string;
  let test: TestSite;
  let session: Session;
  let hook: Webhook;

  before(async () => {
    folder = await temporaryFolder();
    hook = await startWebhook();
    const data = (name: string) => path.join(folder, 'data', name);
    for (const name of ['wiki', 'board']) {
      await mkdir(data(name), { recursive: true });
      await writeFile(path.join(data(name), 'file'), crypto.getRandomValues(new Uint8Array(60_000)));
    }
    test = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [data('wiki')] }, board: { type: 'files', paths: [data('board')] } },
      notify: [{ type: 'webhook', url: `http://127.0.0.1:${hook.port}/` }],
      plans: { restoreTest: { deadline: '5s', retryFirst: '100ms', retryMax: '200ms' } },
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
    for (const scheduled of ['2026-11-20T02:00:00Z', '2026-11-21T02:00:00Z'])
      await runDaily({ session, site: 'test', scheduled });
  });

  after(async () => {
    await session?.close();
    await hook?.stop();
    await cleanUp();
  });

  it('restores a backup of each source from a copy, compares it, and leaves signed evidence there and nothing else', async () => {
    const report = await tests('2026-11-22T08:00:00Z');
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    for (const { source, choice, proven } of report.tests ?? []) {
      assert.equal(choice?.place, 'vault');
      assert.match(choice.backup.reference, new RegExp(`^daily/${source}/20261121T020000Z-`));
      assert.ok((proven?.measured?.bytes ?? 0) >= 60_000 && (proven?.measured?.restore ?? 0) > 0);
      assert.ok(proven?.compared.includes('files'), proven?.compared.join());
      const evidence = (await evidenceAt('vault', source)).find(({ what }) => what === 'test');
      assert.deepEqual([evidence?.backup, evidence?.verdict], [choice.backup, 'ok']);
    }
    assert.deepEqual(await readdir(scratchOf(test.site, 'restore-tests')), []);
    const graph = await readGraph(session.client, report.runId);
    assert.deepEqual(
      graph?.steps.map(({ id, state }) => [id, state]),
      [
        'plan',
        ...['wiki', 'board', 'mosaic-backup-local'].flatMap((source) => [`${source}/choose`, `${source}/restore`]),
      ].map((id) => [id, 'done']),
    );
  });

  it('removes what a drill has left whose end nobody saw', async () => {
    const left = path.join(await makeScratch(test.site, 'drills'), 'mosaic-drill-test-20261018T090000Z');
    await mkdir(left);
    await utimes(left, 0, 0);
    await tests('2026-11-22T08:30:00Z', ['mosaic-backup-local']);
    assert.deepEqual(await readdir(path.dirname(left)), []);
  });

  it('then takes what was not proven yet: the repository', async () => {
    const [wiki] = (await tests('2026-11-22T09:00:00Z', ['wiki'])).tests ?? [];
    assert.equal(wiki?.choice?.place, null, JSON.stringify(wiki));
    assert.equal(wiki.outcome, 'complete');
  });

  it('of a damaged copy it fails, names what is wrong and where, tells somebody, and a later good one that it is over', async () => {
    const from = hook.received.length;
    const artifacts = await artifactsOf('board');
    assert.equal(artifacts.length, 2);
    const whole = await Promise.all(artifacts.map(async (file) => ({ file, bytes: await readFile(file) })));
    for (const artifact of artifacts) await damageFile(artifact);
    const [board] = (await tests('2026-11-22T10:00:00Z', ['board'])).tests ?? [];
    assert.equal(board?.choice?.place, null, 'the repository has its turn');
    assert.equal(board.outcome, 'complete');
    const [failed] = (await tests('2026-11-22T11:00:00Z', ['board'])).tests ?? [];
    assert.deepEqual([failed?.choice?.place, failed?.outcome], ['vault', 'failed'], JSON.stringify(failed));
    assert.match(failed?.errors[0]?.message ?? '', /from vault did not restore as it was: /);
    assert.equal(hook.received[from]?.alert, 'restore-test-failed');
    const [other] = (await tests('2026-11-22T11:30:00Z', ['board'])).tests ?? [];
    assert.deepEqual([other?.choice?.place, other?.outcome], [null, 'complete'], 'the damaged one holds up no other');
    for (const { file, bytes } of whole) await writeFile(file, bytes);
    for (const hour of [12, 13, 14]) await tests(`2026-11-22T${hour}:00:00Z`, ['board']);
    assert.deepEqual(
      hook.received.slice(from).map(({ state }) => state),
      ['raised', 'resolved'],
    );
  });

  function tests(scheduled: string, sources?: readonly string[]) {
    return runRestoreTest({ session, site: 'test', scheduled, ...(sources ? { sources } : {}) });
  }

  /** Of a source, at the vault. */
  async function artifactsOf(source: string): Promise<string[]> {
    const below = path.join(folder, 'vault');
    const all = await readdir(below, { recursive: true });
    return all
      .filter((name) => name.includes(`/${source}/`) && name.endsWith('.tar.zst.age'))
      .map((name) => path.join(below, name));
  }

  async function evidenceAt(place: string | null, source: string) {
    const store = place === null ? repositoryStore(test.site.repository) : openDestination(place, test.site);
    return readEvidence(store, await trustedKeys(test.site), source);
  }
});
