import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { newestChain } from '../../../activities/operations/newest-chain.ts';
import { verifyInRepository } from '../../../activities/operations/verify-copy.ts';
import type { Site } from '../../../activities/site.ts';
import type { CapturedBackup } from '../../../model/run.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

describe('the chain that a capture builds on', () => {
  let site: Site;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'file'), 'content');
    ({ site } = await makeSite({ folder, sources: { stack: { type: 'files', paths: [path.join(folder, 'file')] } } }));
  });
  after(cleanUp);

  it('is the newest, as long as nothing speaks against it', async () => {
    await capture('2026-11-20T02:00:00Z');
    assert.equal((await capture('2026-11-21T02:00:00Z')).kind, 'incremental');
    assert.equal((await newestChain(site, 'stack')).chain.length, 2);
  });

  it('is none once a check found its full damaged: the next backup is a full, and says why', async () => {
    const { backup } = await capture('2026-11-20T02:00:00Z');
    const artifact = path.join(site.repository, 'daily/apps/stack/20261120T020000Z-full/base.tar.zst.age');
    const bytes = await readFile(artifact);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(artifact, bytes);
    await isBackupError(verifyInRepository({ site, backup, work: testWork() }), 'verification-failed');
    const next = await capture('2026-11-21T02:00:00Z');
    assert.equal(next.kind, 'full');
    assert.match(next.warnings.join('\n'), /cannot be built upon.*20261120T020000Z-full was found damaged/);
  });

  function capture(scheduled: string): Promise<CapturedBackup> {
    const runId = `daily-${scheduled}`;
    return captureBackup({
      site,
      source: 'stack',
      tier: 'daily',
      runId,
      scheduled,
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
  }
});
