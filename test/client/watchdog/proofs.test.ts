import assert from 'node:assert/strict';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyBackup } from '../../../activities/operations/copy.ts';
import { chooseTest } from '../../../activities/operations/proof/choose.ts';
import { proveTest } from '../../../activities/operations/proof/prove.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { readOverview } from '../../../client/backups/overview.ts';
import { provenAt } from '../../../client/backups/proof.ts';
import { lookAtProofs } from '../../../client/watchdog/proofs.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const SOURCE = 'data';

describe('the watchdog, of proofs', () => {
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'hello');
    test = await makeSite({ folder, sources: { [SOURCE]: { type: 'files', paths: [data] } } });
    const { site } = test;
    const run = { source: SOURCE, tier: 'daily', runId: 'run', scheduled: '2026-11-20T02:00:00Z' } as const;
    await captureBackup({ site, ...run, attempt: 1, busy: 0, work: testWork() });
    const from = repositoryStore(site.repository);
    const catalogue = await listBackups(from);
    const [backup] = catalogue;
    assert.ok(backup);
    await copyBackup({ site, backup, catalogue, from, to: openDestination('vault', site), work: testWork() });
  });

  after(cleanUp);

  it('an old one is told, with what to do, and is over when a backup was proven, wherever that was', async () => {
    const { site } = test;
    const { staleAfter } = site.config.plans.restoreTest;
    assert.deepEqual((await lookAtProofs(site, Date.now())).found, [], 'there was no time for one yet');
    // Of the copy alone: what the repository has says nothing of it.
    const choice = await chooseTest({ site, source: SOURCE, runId: 'restore-test-1' });
    await proveTest({
      site,
      source: SOURCE,
      choice: { ...choice, place: 'vault' },
      within: path.join(folder, 'proof'),
      work: testWork(),
    });
    const proven = Date.parse(provenAt((await readOverview(site)).entries, Date.now()) ?? '');

    const { found } = await lookAtProofs(site, proven + staleAfter + 1_000);
    assert.deepEqual(
      found.map(({ alert, key, source, once }) => ({ alert, key, source, once })),
      [{ alert: 'proof-stale', key: 'proof-stale/data', source: SOURCE, once: false }],
    );
    assert.match(found[0]?.message ?? '', /data: its last proof is 45.* old\. Whether it could be restored/);
    assert.match(found[0]?.remedy ?? '', /^mosaic-backup test-restore --source data /);
    // A moment before that the backup itself is older, and only the proof at the vault keeps it from being told.
    const young = await lookAtProofs(site, proven + staleAfter - 1);
    assert.deepEqual(young.found, []);
    assert.ok(young.lookedFor({ alert: 'proof-stale', key: 'proof-stale/data' }), 'so that an alert is over');
  });

  it('that lies where nobody could look is not taken for missing; and who wants no tests is not told', async () => {
    const { site } = test;
    const late = Date.now() + site.config.plans.restoreTest.staleAfter * 2;
    const vault = path.join(folder, 'vault');
    await rename(vault, `${vault}-away`);
    const { message } = await isBackupError(lookAtProofs(site, late), 'unreachable');
    assert.match(message, /may have been proven at vault/);
    await rename(`${vault}-away`, vault);
    const { restoreTest } = site.config.plans;
    const plans = { ...site.config.plans, restoreTest: { ...restoreTest, enabled: false } };
    const without = { ...site, config: { ...site.config, plans } };
    assert.deepEqual((await lookAtProofs(without, late)).found, []);
  });
});
