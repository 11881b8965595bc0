import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { hookedCapture, releaseSource } from '../../../activities/operations/hooked-capture.ts';
import { siteStatus } from '../../../client/backups/status.ts';
import { lookAtUnfinished } from '../../../client/watchdog/unfinished.ts';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { isBackupError } from '../../support/errors.ts';
import { makeSite } from '../../support/site.ts';
import { until } from '../../support/until.ts';
import { testWork } from '../../support/work.ts';

describe('a capture between hooks', () => {
  after(cleanUp);

  it('P49 seals nothing that was read on when what is to come after it had been run: Temporal had given the attempt up', async () => {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), randomBytes(600_000));
    const { site } = await makeSite({
      folder,
      sources: { wiki: { type: 'files', paths: [data], limits: { maxRate: '200kB' } } },
    });
    const scheduled = '2026-11-20T02:00:00Z';
    const run = { site, source: 'wiki', runId: `daily-${scheduled}` } as const;
    let bytes = 0;
    const work = { ...testWork(), progress: (report: { readonly bytes: number }) => void (bytes = report.bytes) };
    const of = { ...run, tier: 'daily', scheduled, attempt: 1, busy: 0, planned: [], work } as const;
    const given = isBackupError(hookedCapture(of), 'lease-lost');
    await until('it reads', () => bytes > 0);
    await releaseSource({ ...run, attempt: 2, work: testWork() }, 'failed');
    await given;
    assert.deepEqual(await listBackups(repositoryStore(site.repository)), []);
    // The next one is made.
    const next = await hookedCapture({ ...of, attempt: 3, work: testWork() });
    assert.equal(next.captured?.existed, false);
  });

  it('is seen by the watchdog where nobody is left to run what is to come after it: its workflow was terminated', async () => {
    const folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), randomBytes(600_000));
    const { site } = await makeSite({
      folder,
      sources: {
        wiki: {
          type: 'files',
          paths: [data],
          limits: { maxRate: '200kB' },
          hooks: { before: [{ command: ['true'] }], after: [{ command: ['true'] }] },
        },
      },
    });
    const scheduled = '2026-11-20T02:00:00Z';
    const run = { site, source: 'wiki', runId: `daily-${scheduled}` } as const;
    const later = async () =>
      (await lookAtUnfinished(site, Date.now() + site.config.watchdog.unfinishedAfter, nobody)).found.map(
        ({ key }) => key,
      );
    const ended = new AbortController();
    let bytes = 0;
    const work = {
      ...testWork(),
      signal: ended.signal,
      progress: (report: { readonly bytes: number }) => void (bytes = report.bytes),
    };
    const of = { ...run, tier: 'daily', scheduled, attempt: 1, busy: 0, planned: ['after'], work } as const;
    const capture = isBackupError(hookedCapture(of), 'aborted');
    await until('it reads', () => bytes > 0);
    assert.deepEqual(await later(), [], 'while it is at work they are to be open');
    ended.abort();
    await capture;
    assert.deepEqual(await later(), ['work-unfinished/wiki/hooks']);
    const { findings } = await siteStatus(site, Date.now() + site.config.watchdog.unfinishedAfter);
    assert.deepEqual(
      findings.filter(({ code }) => code === 'hooks.open').map(({ severity, subject }) => [severity, subject]),
      [['error', 'wiki']],
    );
    assert.deepEqual(
      (await lookAtUnfinished(site, Date.now(), nobody)).found,
      [],
      'its run may be just about to close them',
    );
    await releaseSource({ ...run, attempt: 2, work: testWork() }, 'failed');
    assert.deepEqual(await later(), []);
  });
});

/** No run goes on: there is no Temporal. */
const nobody = () => Promise.resolve(false);
