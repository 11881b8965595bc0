/** What a restore says of other copies, when the one that it reads is damaged. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const REFERENCE = 'daily/stack/20261121T020000Z-full';

describe('a restore from a damaged copy', () => {
  let folder: string;
  let made: TestSite;
  let turn = 0;

  beforeEach(async () => {
    folder = await temporaryFolder();
    const data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), 'x'.repeat(100_000));
    made = await makeSite({ folder, sources: { stack: { type: 'files', group: 'configs', paths: [data] } } });
  });
  after(cleanUp);

  async function backUp(destination?: string): Promise<void> {
    const { site } = made;
    const run = { runId: 'daily-2026-11-21T02:00:00Z', scheduled: '2026-11-21T02:00:00Z', attempt: 1, busy: 0 };
    const { backup } = await captureBackup({ site, source: 'stack', tier: 'daily', ...run, work: testWork() });
    if (destination !== undefined) await copyToDestination({ site, backup, destination, work: testWork() });
  }

  function artifactAt(place: string): string {
    return path.join(place, REFERENCE.replace('daily', 'configs'), 'base.tar.zst.age');
  }

  async function flip(file: string): Promise<void> {
    const bytes = await readFile(file);
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }

  async function restore(...args: readonly string[]) {
    const to = path.join(folder, `restored-${(turn += 1)}`);
    return mosaicHere(['-c', made.file, '--json', 'restore', REFERENCE, '--to', to, ...args]);
  }

  it('P40 names the option that takes the good one, and that one restores', async () => {
    await backUp('vault');
    await flip(artifactAt(made.site.repository));
    const failed = await restore('--from', 'repository');
    assert.equal(failed.code, 9, failed.stdout);
    assert.match(json(failed).error?.message ?? '', /not what was stored: it is damaged/);
    assert.match(json(failed).error?.remedy ?? '', /--from vault\./);
    assert.equal((await restore('--from', 'vault')).code, 0);
  });

  it('P40 takes the good one by itself, and says so', async () => {
    await backUp('vault');
    await flip(artifactAt(made.site.repository));
    const done = await restore();
    assert.equal(done.code, 0, done.stdout);
    assert.match(done.stderr, /passed over: repository: .*not what was stored: it is damaged/);
    const { from, passed } = JSON.parse(done.stdout) as { from: string; passed: readonly string[] };
    assert.deepEqual([from, passed.length], ['vault', 1]);
    // Once it is known, the damaged one is not even tried.
    assert.equal((await mosaicHere(['-c', made.file, 'verify', REFERENCE])).code, 9);
    const latest = await mosaicHere(['-c', made.file, 'restore', 'latest', '--to', path.join(folder, 'latest')]);
    assert.equal(latest.code, 0, latest.stderr);
    assert.match(latest.stdout, /is restored to .* from vault/);
  });

  it('names the repository where the copy at a destination is the damaged one, or lacks a file', async () => {
    await backUp('vault');
    const artifact = artifactAt(path.join(folder, 'vault'));
    await flip(artifact);
    assert.match(json(await restore('--from', 'vault')).error?.remedy ?? '', /--from repository\./);
    await rm(artifact);
    assert.match(json(await restore('--from', 'vault')).error?.remedy ?? '', /--from repository\./);
    assert.equal((await restore('--from', 'repository')).code, 0);
  });

  it('names no copy that a check has found damaged, and says where there is none', async () => {
    await backUp('vault');
    await flip(artifactAt(made.site.repository));
    await flip(artifactAt(path.join(folder, 'vault')));
    assert.equal((await mosaicHere(['-c', made.file, 'verify', REFERENCE, '--destination', 'vault'])).code, 9);
    const { error } = json(await restore());
    assert.match(error?.remedy ?? '', /No other place that can be looked at holds a good copy/);
    assert.match(error?.remedy ?? '', /restore another backup/);
  });
});
