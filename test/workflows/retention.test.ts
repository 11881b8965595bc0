/** What a run does beyond backups: retention at its end, and the archive. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { siteSigner } from '../../activities/keys/site-keys.ts';
import { listBackups } from '../../activities/storage/catalogue.ts';
import { openDestination } from '../../activities/storage/destinations.ts';
import { repositoryStore } from '../../activities/storage/repository.ts';
import type { Session } from '../../client/runs/session.ts';
import { wholeSeconds } from '../../model/time.ts';
import { writeBackup } from '../support/backups.ts';
import { cleanUp, temporaryFolder } from '../support/folders.ts';
import { ownTemporal } from '../support/ports.ts';
import { openSession, runDaily, runMonthly } from '../support/session.ts';
import { makeSite, type TestSite } from '../support/site.ts';

/** What the Web UI asks a workflow for. */
const metadata = z.looseObject({ currentDetails: z.string() });

describe('retention and the archive in runs', () => {
  let folder: string;
  let test: TestSite;
  let session: Session;

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'what is backed up');
    test = await makeSite({
      folder,
      sources: Object.fromEntries(['alpha', 'beta', 'gamma'].map((name) => [name, { type: 'files', paths: [data] }])),
      temporal: await ownTemporal(),
    });
    session = await openSession(test.file);
    await daily('2026-11-20T02:00:00Z', ['alpha', 'beta', 'gamma']);
  });

  after(async () => {
    await session?.close();
    await cleanUp();
  });

  function daily(scheduled: string, sources: readonly string[]) {
    return runDaily({ session, site: 'test', scheduled, sources });
  }

  it('at its end a run deletes what is due of its sources, says so, and leaves the others alone', async () => {
    const scheduled = wholeSeconds(Date.now() - 20 * 86_400_000);
    const signer = await siteSigner(test.site);
    for (const source of ['alpha', 'beta']) {
      for (const place of ['repository', 'vault'])
        await writeBackup(path.join(folder, place), { source, group: 'apps', scheduled, signer });
    }
    const id = `${scheduled.replaceAll(/[-:]/g, '')}-full`;
    const report = await daily('2026-11-20T07:00:00Z', ['alpha']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.deepEqual(
      report.retention?.flatMap(({ places }) => places).map(({ place, deleted }) => [place, deleted.backups]),
      [
        ['repository', 1],
        ['vault', 1],
      ],
    );
    const left = (await listBackups(repositoryStore(test.site.repository)))
      .map((each) => each.folder)
      .filter((reference) => reference.endsWith(id));
    assert.deepEqual(left, [`daily/apps/beta/${id}`]);
    const { currentDetails } = metadata.parse(
      await session.client.workflow.getHandle('daily-2026-11-20T07:00:00Z').query('__temporal_workflow_metadata'),
    );
    assert.match(currentDetails, /retention: 1 backups deleted at vault/);
  });

  it('the monthly plan archives the full of the last seven days, without a second capture', async () => {
    const report = await runMonthly({ session, site: 'test', scheduled: '2026-11-20T08:00:00Z', sources: ['gamma'] });
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    const [gamma] = report.sources;
    assert.deepEqual(
      [
        gamma?.captured?.backup.reference,
        gamma?.captured?.existed,
        gamma?.copies.map(({ destination }) => destination),
      ],
      ['daily/gamma/20261120T020000Z-full', true, ['vault']],
    );
    const there = new Set((await listBackups(openDestination('vault', test.site))).map((each) => each.folder));
    for (const tier of ['monthly', 'yearly']) assert.ok(there.has(`${tier}/gamma/20261120T020000Z-full`), tier);
  });

  it('is left out where the config says so', async () => {
    const config: unknown = parse(await readFile(test.file, 'utf8'));
    await writeFile(test.file, stringify(Object.assign({}, config, { retention: { prune: false } })));
    const report = await daily('2026-11-20T09:00:00Z', ['beta']);
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
    assert.equal(report.retention, undefined);
  });
});
