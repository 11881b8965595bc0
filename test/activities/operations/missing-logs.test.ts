import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prune } from '../../../activities/operations/prune/index.ts';
import { missingLogs } from '../../../activities/operations/missing-logs.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { prepareRepository, repositoryStore } from '../../../activities/storage/repository.ts';
import type { Site } from '../../../activities/site.ts';
import { listBackups, type Catalogued } from '../../../activities/storage/catalogue.ts';
import type { MissingLogs } from '../../../model/logs-run.ts';
import type { Tier } from '../../../model/source.ts';
import { TEST_KEY, testBackup } from '../../support/backups.ts';
import { fullBackup, logsBackup } from '../../support/entries.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const DAY = 86_400_000;

describe('the look for logs that are gone', () => {
  let site: Site;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    const connection = { host: path.join(folder, 'nothing-runs-here') };
    ({ site } = await makeSite({ folder, sources: { postgres: { type: 'postgres', connection } } }));
    await prepareRepository(site);
  });
  after(cleanUp);

  async function put(...backups: readonly Catalogued[]): Promise<void> {
    for (const { folder, manifest } of backups)
      await repositoryStore(site.repository).putSmall(`${folder}/manifest.json`, encodeManifest(manifest), {
        replace: false,
      });
  }

  function look(now = NOW): Promise<readonly MissingLogs[] | null> {
    return missingLogs({ site, source: 'postgres', now, work: testWork() });
  }

  const file = ({ folder }: Catalogued) => path.join(site.repository, folder);

  /** Logs of several days, so many each, one segment long; and a full right before them. */
  async function days(count: number, each: number): Promise<readonly Catalogued[]> {
    const logs = Array.from({ length: count * each }, (_, index) => {
      const [day, tick] = [Math.floor(index / each), index % each];
      const at = new Date(NOW - (count - day) * DAY + tick * 60_000).toISOString();
      return logsBackup({ from: index + 2, to: index + 3, at });
    });
    await put(fullBackup(new Date(NOW - count * DAY - 60_000).toISOString().replace('.000', ''), 2), ...logs);
    return logs;
  }

  it('P03 reads a bounded number of manifests at once, and says nothing before it has seen all', async () => {
    await days(3, 250);
    assert.equal(await look(), null);
    assert.deepEqual(await look(), []);
  });

  it('P03 a folder that goes is missed at once, a manifest that is damaged within as many looks as there are days', async () => {
    const logs = await days(3, 4);
    const [, , gone] = logs;
    const damaged = logs[5];
    assert.ok(gone && damaged);
    assert.deepEqual(await look(), []);
    await rename(file(gone), `${site.repository}/aside`);
    assert.equal((await look())?.[0]?.from, logs[1]?.manifest.coversUntil);
    await rename(`${site.repository}/aside`, file(gone));
    assert.deepEqual(await look(), []);
    await writeFile(path.join(file(damaged), 'manifest.json'), '{');
    const found = [await look(NOW + 1), await look(NOW + 2), await look(NOW + 3)];
    assert.equal(found.at(-1)?.[0]?.from, logs[4]?.manifest.coversUntil);
  });

  it('P03 remembers what it saw: logs that go and leave no hole are missed too', async () => {
    const logs = await days(2, 4);
    assert.deepEqual(await look(), []);
    for (const gone of logs.slice(0, 2)) await rm(file(gone), { recursive: true });
    assert.equal((await look())?.length, 1);
    await rm(path.join(site.repository, 'logs'), { recursive: true });
    assert.equal((await look())?.length, 1);
    await put(...logs);
    assert.deepEqual(await look(), []);
  });

  it('P03 state that is lost, or was not there yet, hides no hole', async () => {
    const logs = await days(1, 4);
    assert.deepEqual(await look(), []);
    await rm(file(logs[1] ?? assert.fail()), { recursive: true });
    await rm(path.join(site.state, 'sources'), { recursive: true });
    assert.deepEqual(await look(), [{ from: logs[0]?.manifest.coversUntil, to: null }]);
  });

  it('P03 logs of longer ago than they are kept for may go, and so may those of a backup that is gone itself', async () => {
    const logs = await days(2, 4);
    assert.deepEqual(await look(), []);
    await rm(file(logs[1] ?? assert.fail()), { recursive: true });
    assert.equal((await look())?.length, 1);
    assert.deepEqual(await look(NOW + 28 * DAY), []);
    assert.equal((await look())?.length, 1, 'the clock was ahead once');
    await rm(path.join(site.repository, 'daily'), { recursive: true });
    assert.deepEqual(await look(), []);
  });

  it('P03 what retention deletes is not missed: it leaves what every backup in the window leads on to', async () => {
    const { signing } = site.config;
    site = { ...site, config: { ...site.config, signing: { ...signing, trusted: [TEST_KEY.publicKey] } } };
    const time = (days: number) => new Date(NOW - days * DAY).toISOString();
    const logs = Array.from({ length: 40 }, (_, day) =>
      logsBackup({ from: day + 2, to: day + 3, at: time(39.5 - day) }),
    );
    const full = (days: number, tier: Tier) =>
      fullBackup(time(days).replace(/\.\d+Z/, 'Z'), Math.floor(41 - days), { tier });
    await put(...[39, 32, 25, 18, 11, 4, 1, 0.01].map((days) => full(days, 'weekly')), full(33, 'monthly'), ...logs);
    // So that what is older than four weeks by now was seen, and is remembered.
    assert.deepEqual(await look(NOW - 8 * DAY), []);
    assert.deepEqual(await look(), []);
    const { summary } = await prune({ site, now: NOW, apply: true, work: testWork() });
    assert.deepEqual(summary.places[0]?.problems, []);
    const left = await listBackups(repositoryStore(site.repository));
    assert.deepEqual(
      [left.filter(({ name }) => name.tier === null).length, left.filter(({ name }) => name.tier !== null).length],
      [26, 7],
      'the logs of before the oldest full are gone, and so are fulls of before four weeks',
    );
    assert.deepEqual(await look(), []);
    const { config } = site;
    const longer = { ...config.retention, logs: { count: 8, unit: 'week' } } as const;
    site = { ...site, config: { ...config, retention: longer } };
    assert.deepEqual(await look(), [], 'what was deleted before it was to be kept for longer');
    await rm(file(logs.at(-3) ?? assert.fail()), { recursive: true });
    assert.equal((await look())?.length, 1);
  });

  it('P03 an incremental without its parent leads nowhere, so nothing is lost behind it', async () => {
    const [one, , three, four] = await days(1, 4);
    assert.ok(one && three && four);
    await rm(path.join(site.repository, 'logs'), { recursive: true });
    await put(one, three, four);
    const [parent] = await listBackups(repositoryStore(site.repository), { logs: false });
    assert.ok(parent);
    const { position, type } = parent.manifest;
    const scheduled = new Date(NOW - DAY - 30_000).toISOString().replace('.000', '');
    await put(testBackup({ scheduled, parent: parent.manifest, fields: { position, type } }));
    assert.equal((await look())?.length, 1);
    await rm(file(parent), { recursive: true });
    assert.deepEqual(await look(), []);
  });
});
