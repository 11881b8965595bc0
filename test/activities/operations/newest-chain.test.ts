import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { siteSigner } from '../../../activities/keys/site-keys.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { newestChain } from '../../../activities/operations/newest-chain.ts';
import { verifyInRepository } from '../../../activities/operations/verify-copy.ts';
import type { Site } from '../../../activities/site.ts';
import { BackupError } from '../../../model/errors.ts';
import { parseReference } from '../../../model/reference.ts';
import type { CapturedBackup } from '../../../model/run.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { writeBackup } from '../../support/backups.ts';
import { isBackupError } from '../../support/errors.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const CHILD = new URL('./clocks-child.ts', import.meta.url).pathname;

describe('the chain that a capture builds on', () => {
  let site: Site;
  let file: string;

  beforeEach(async () => {
    const folder = await temporaryFolder();
    await writeFile(path.join(folder, 'file'), 'content');
    ({ site, file } = await makeSite({
      folder,
      sources: { stack: { type: 'files', paths: [path.join(folder, 'file')] } },
    }));
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

  it('P49 is not broken by a run of an older time: what it lacks is refused, and what it has is done again', async () => {
    await capture('2026-11-20T02:00:00Z');
    const newer = await capture('2026-11-22T02:00:00Z');
    const late = capture('2026-11-21T02:00:00Z');
    await assert.rejects(late, (error: unknown) => {
      assert.ok(error instanceof BackupError);
      assert.deepEqual([error.code, error.retryable], ['refused', false]);
      assert.match(error.message, /no backup of 2026-11-21T02:00:00Z, .*daily\/stack\/20261122T020000Z-incr/);
      assert.match(error.remedy ?? '', /run daily --source stack/);
      return true;
    });
    assert.equal((await capture('2026-11-20T02:00:00Z')).existed, true);
    assert.equal((await newestChain(site, 'stack')).chain.at(-1)?.id, parseReference(newer.backup.reference)?.id);
    const next = await capture('2026-11-23T02:00:00Z');
    assert.deepEqual([next.kind, next.warnings], ['incremental', []]);
  });

  it('is that of the last seal where a weekly came after a daily of a later time', async () => {
    await capture('2026-11-20T02:00:00Z');
    await capture('2026-11-21T02:00:00Z');
    const weekly = await capture('2026-11-21T01:00:00Z', 'weekly');
    const next = await capture('2026-11-22T02:00:00Z');
    assert.deepEqual([next.kind, next.warnings], ['incremental', []]);
    const { chain } = await newestChain(site, 'stack');
    assert.deepEqual(
      chain.map(({ tier }) => tier),
      ['weekly', 'daily'],
      weekly.backup.reference,
    );
  });

  it('is none that a clock which ran ahead has left: nobody waits for it, and it may be moved away', async () => {
    const day = wholeSeconds(Date.now() + 400 * 86_400_000);
    await execa('faketime', ['-f', '+400d', process.execPath, CHILD, file, 'capture', 'stack', day]);
    const next = await capture(wholeSeconds(Date.now()));
    assert.deepEqual([next.existed, next.kind], [false, 'full']);
    assert.match(next.warnings.join(), /so this is a full: daily\/stack\/\S+ is of the future by our clock/);
    const later = await capture(wholeSeconds(Date.now() + 1000));
    assert.deepEqual([later.kind, later.warnings], ['incremental', []]);
    const { chain } = await newestChain(site, 'stack');
    assert.equal(chain.length, 2);
  });

  it('what a clock that ran ahead has made for a time does not count for that time once it has come', async () => {
    const day = wholeSeconds(Date.now() + 3000);
    const { backup } = await capture(day);
    assert.equal((await capture(day)).existed, true, 'by the same clock it is that of its run');
    const next = await capture(wholeSeconds(Date.now()));
    await pause(Date.parse(day) - Date.now() + 1000);
    await assert.rejects(capture(day), (error: unknown) => {
      assert.ok(error instanceof BackupError);
      assert.deepEqual([error.code, error.retryable], ['refused', false]);
      assert.ok(error.message.includes(backup.reference) && error.message.includes(next.backup.reference));
      assert.match(error.remedy ?? '', /mosaic-backup run daily --source stack/);
      return true;
    });
    assert.equal((await capture(wholeSeconds(Date.now()))).existed, false);
  });

  it('an archive that was taken in, and what a stranger has signed, keep no run of an older time from its capture', async () => {
    const of = { source: 'stack', group: 'apps', scheduled: '2026-11-22T02:00:00Z' } as const;
    await writeBackup(site.repository, of);
    await writeBackup(site.repository, {
      ...of,
      scheduled: '2026-11-22T03:00:00Z',
      signer: await siteSigner(site),
      fields: { engine: { imported: { file: 'old.tar', format: 'tar' } } },
    });
    assert.equal((await capture('2026-11-21T02:00:00Z')).existed, false);
  });

  function capture(scheduled: string, tier: 'daily' | 'weekly' = 'daily'): Promise<CapturedBackup> {
    const runId = `${tier}-${scheduled}`;
    return captureBackup({
      site,
      source: 'stack',
      tier,
      runId,
      scheduled,
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
  }
});
