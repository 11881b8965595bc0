import assert from 'node:assert/strict';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { makeScratch, ownScratch, type ScratchOf } from '../../../activities/operations/scratch-place.ts';
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

const PLACES = ['restore-tests', 'drills'] as const;

describe('doctor, of restore tests and drills', () => {
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
    await capture(site, 'wiki');
  });
  after(cleanUp);

  it('finds nothing where all is well, before the first test and after it', async () => {
    for (const what of PLACES) {
      assert.deepEqual((await examineScratch(site, what)).findings, []);
      await makeScratch(site, what);
      assert.deepEqual((await examineScratch(site, what)).findings, []);
    }
    assert.deepEqual(await examineOffline(site), { facts: 'cut off from every network', findings: [] });
  });

  it('says where the place is not ours, is closed on the way, is too small, or would be backed up', async () => {
    await rm(ownScratch(site.state), { recursive: true });
    await symlink(data, ownScratch(site.state));
    for (const what of PLACES) assert.deepEqual(await codes(site, what), ['scratch.not-ours']);
    await rm(ownScratch(site.state));
    const shut = path.join(folder, 'closed');
    await mkdir(shut, { mode: 0o700 });
    // Who is not root has servers of his own user.
    const closed = process.getuid?.() === 0 ? ['scratch.closed'] : [];
    const small = await smallFileSystem('16k');
    for (const what of PLACES) {
      await chmod(shut, 0o700);
      assert.deepEqual(await codes(named(path.join(shut, 'tests'), what), what), closed);
      await chmod(shut, 0o711);
      assert.deepEqual(await codes(named(path.join(shut, 'tests'), what), what), []);
      assert.deepEqual(await codes(named(path.join(data, 'tests'), what), what), ['scratch.backed-up']);
      assert.deepEqual(await codes(named(small, what), what), ['scratch.tight']);
      for (const other of PLACES) if (other !== what) assert.deepEqual(await codes(named(small, what), other), []);
    }
  });

  it('looks at the place of drills where they recover, and at room for all of it at once', async () => {
    const { facts } = await examineScratch(site, 'drills');
    assert.match(facts ?? '', /scratch\/drills, .* free, all of it restored takes at least \d/);
    const off = { ...site.config.plans, drill: { ...site.config.plans.drill, enabled: false } };
    const elsewhere = { ...site.config.plans, drill: { ...site.config.plans.drill, host: 'other' } };
    for (const plans of [off, elsewhere])
      assert.deepEqual(await examineScratch({ ...site, config: { ...site.config, plans } }, 'drills'), {
        facts: 'none on this host',
      });
    // As many bytes as both sources have, and a bit less.
    const more = path.join(folder, 'more');
    await mkdir(more);
    await writeFile(path.join(more, 'file'), crypto.getRandomValues(new Uint8Array(60_000)));
    const { wiki } = site.config.sources;
    assert.equal(wiki?.type, 'files');
    const sources = { ...site.config.sources, more: { ...wiki, paths: [more] } };
    const both = { ...site, config: { ...site.config, sources } };
    await capture(both, 'more');
    const roomy = await smallFileSystem('100k');
    assert.deepEqual(await codes(named(roomy, 'restore-tests', both), 'restore-tests'), []);
    assert.deepEqual(await codes(named(roomy, 'drills', both), 'drills'), ['scratch.tight']);
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

  async function capture(of: Site, source: string): Promise<void> {
    const run = { tier: 'daily', runId: 'daily-1', scheduled: '2026-11-20T02:00:00Z', attempt: 1, busy: 0 } as const;
    await captureBackup({ site: of, source, ...run, work: testWork() });
  }

  function named(scratch: string, what: ScratchOf, of = site): Site {
    const { restoreTest, drill } = of.config.plans;
    const plans = what === 'drills' ? { drill: { ...drill, scratch } } : { restoreTest: { ...restoreTest, scratch } };
    return { ...of, config: { ...of.config, plans: { ...of.config.plans, ...plans } } };
  }

  async function codes(of: Site, what: ScratchOf): Promise<readonly string[]> {
    const { findings = [] } = await examineScratch(of, what);
    for (const { remedy } of findings) assert.ok(remedy);
    return findings.map(({ code }) => code);
  }
});
