import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { makeScratch, ownScratch } from '../../../activities/operations/scratch-place.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import type { Site } from '../../../activities/site.ts';
import { examineOffline, examineScratch } from '../../../client/doctor/scratch.ts';
import { exitStatus } from '../../../model/errors.ts';
import { LAUNCHER } from '../../support/command-line.ts';
import { cleanUp, smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { testWork } from '../../support/work.ts';

const FINDINGS = z.object({
  findings: z.array(z.object({ code: z.string(), message: z.string(), remedy: z.string().nullable() })),
});

describe('doctor, of restore tests', () => {
  let folder: string;
  let site: Site;
  let data: string;
  let file: string;

  before(async () => {
    folder = await temporaryFolder();
    data = path.join(folder, 'data');
    await mkdir(data);
    await writeFile(path.join(data, 'file'), crypto.getRandomValues(new Uint8Array(60_000)));
    const postgres = { type: 'postgres', connection: { host: '/nowhere' } } as const;
    ({ site, file } = await makeSite({ folder, sources: { wiki: { type: 'files', paths: [data] }, db: postgres } }));
    const scheduled = '2026-11-20T02:00:00Z';
    await captureBackup({
      site,
      source: 'wiki',
      tier: 'daily',
      runId: 'daily-1',
      scheduled,
      attempt: 1,
      busy: 0,
      work: testWork(),
    });
  });
  after(cleanUp);

  it('finds nothing where all is well, before the first test and after it', async () => {
    assert.deepEqual((await examineScratch(site)).findings, []);
    await makeScratch(site, 'restore-tests');
    assert.deepEqual((await examineScratch(site)).findings, []);
    assert.deepEqual(await examineOffline(site), { facts: 'cut off from every network', findings: [] });
  });

  it('says where the place is not ours, is closed on the way, is too small, or would be backed up', async () => {
    await rm(ownScratch(site.state), { recursive: true });
    await symlink(data, ownScratch(site.state));
    assert.deepEqual(await codes(site), ['scratch.not-ours']);
    await rm(ownScratch(site.state));
    const closed = path.join(folder, 'closed');
    await mkdir(closed, { mode: 0o700 });
    // Who is not root has servers of his own user.
    assert.deepEqual(
      await codes(named(path.join(closed, 'tests'))),
      process.getuid?.() === 0 ? ['scratch.closed'] : [],
    );
    await chmod(closed, 0o711);
    assert.deepEqual(await codes(named(path.join(closed, 'tests'))), []);
    assert.deepEqual(await codes(named(path.join(data, 'tests'))), ['scratch.backed-up']);
    assert.deepEqual(await codes(named(await smallFileSystem('16k'))), ['scratch.tight']);
  });

  it('says where servers on restored data would have the network', async () => {
    const refuse = `echo 0 > /proc/sys/user/max_user_namespaces
      exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$0" -c "$1" --json doctor`;
    const args = ['--user', '--map-root-user', 'sh', '-c', refuse, LAUNCHER, file];
    const { stdout } = await runProgram({ command: 'unshare', args, accept: [exitStatus('doctor-found-problems')] });
    const found = FINDINGS.parse(JSON.parse(stdout)).findings.find(({ code }) => code === 'servers.networked');
    assert.match(
      found?.message ?? '',
      /^private servers of postgres are not cut off from the network: .*not permitted/,
    );
    assert.match(found?.remedy ?? '', /as in infra\/systemd/);
  });

  function named(scratch: string): Site {
    const { plans } = site.config;
    return { ...site, config: { ...site.config, plans: { ...plans, restoreTest: { ...plans.restoreTest, scratch } } } };
  }

  async function codes(of: Site): Promise<readonly string[]> {
    const { findings = [] } = await examineScratch(of);
    for (const { remedy } of findings) assert.ok(remedy);
    return findings.map(({ code }) => code);
  }
});
