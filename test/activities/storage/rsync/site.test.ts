/** A source captured, copied to an rsync server, verified there, and restored from it alone; a worker killed on the way. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../../activities/operations/copy-to.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { json, mosaicHere } from '../../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { startSshd, type Sshd } from '../../../support/rsync/sshd.ts';
import { makeSite, type TestSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { optionsOfTemplate } from './template.ts';

const COPY_CHILD = new URL('../../operations/copy-child.ts', import.meta.url);
const REFERENCE = 'daily/stack/20261123T020000Z-full';
const CANARY = 'canary-in-a-file-4d81';

for (const kind of ['with a shell', 'append-only'] as const) {
  describe(`a site with an rsync destination, ${kind}`, function () {
    this.timeout(180_000);
    let sshd: Sshd;
    let folder: string;
    let root: string;
    let made: TestSite;
    const content = randomBytes(3 * 2 ** 20);

    before(async () => {
      folder = await temporaryFolder();
      root = path.join(folder, 'server');
      await mkdir(root, { mode: 0o700 });
      await mkdir(path.join(folder, 'data'));
      await writeFile(path.join(folder, 'data', 'bytes'), content);
      await writeFile(path.join(folder, 'data', '.env'), `TOKEN=${CANARY}\n`);
      sshd = await startSshd();
      const key = await sshd.addKey(kind === 'append-only' ? (await optionsOfTemplate(root)).writing : '');
      const target = `${sshd.user}@127.0.0.1:${kind === 'append-only' ? '/' : root}`;
      made = await makeSite({
        folder,
        sources: { stack: { type: 'files', group: 'configs', paths: [path.join(folder, 'data')] } },
        destinations: {
          vault: {
            type: 'rsync',
            target,
            port: sshd.port,
            key: { file: key.file },
            hostKey: sshd.hostKey,
            offsite: true,
            maxRate: '1MiB',
          },
        },
      });
    });
    afterEach(endChildren);
    after(async () => {
      await sshd.stop();
      await cleanUp();
    });

    function run(...args: readonly string[]) {
      return mosaicHere(['-c', made.file, '--json', ...args]);
    }

    it('P39 comes back from there alone, whole, after a kill in the middle; in clear it was never there', async () => {
      const { site } = made;
      const time = { runId: 'daily-2026-11-23T02:00:00Z', scheduled: '2026-11-23T02:00:00Z', attempt: 1, busy: 0 };
      const { backup } = await captureBackup({ site, source: 'stack', tier: 'daily', ...time, work: testWork() });
      const child = startChild(COPY_CHILD, { file: made.file, reference: REFERENCE, stopAt: 2 ** 20 });
      await child.stopped();
      await child.signal('SIGKILL');
      assert.match((await run('list', '--destination', 'vault')).stdout, /"backups":\s*\[\]/);
      await copyToDestination({ site, backup, destination: 'vault', work: testWork() });
      assert.equal((await run('verify', REFERENCE, '--destination', 'vault')).code, 0);
      await rename(site.repository, `${site.repository}.gone`);
      const to = path.join(folder, 'restored');
      const restored = await run('restore', REFERENCE, '--from', 'vault', '--to', to);
      assert.equal(restored.code, 0, restored.stderr);
      const below = path.join(to, folder, 'data');
      assert.ok((await readFile(path.join(below, 'bytes'))).equals(content));
      assert.equal(await readFile(path.join(below, '.env'), 'utf8'), `TOKEN=${CANARY}\n`);
      await rename(`${site.repository}.gone`, site.repository);
      const secrets = [CANARY, ...(await secretLines(path.join(folder, 'keys')))];
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const text = await readFile(path.join(entry.parentPath, entry.name), 'latin1');
        for (const secret of secrets) assert.ok(!text.includes(secret), entry.name);
      }
    });

    it('is what doctor and the recovery kit say of it', async () => {
      const doctor = await run('doctor');
      assert.match(doctor.stdout, /"rsync, server:127\.0\.0\.1/, doctor.stdout);
      assert.match(doctor.stdout, /vault is a server of this machine .*: one failure takes both/);
      const { stdout } = await mosaicHere(['-c', made.file, 'keys', 'kit']);
      assert.match(stdout, /vault: .*@127\.0\.0\.1:.* by rsync over ssh, port \d+/);
      assert.equal(json(doctor).error, undefined);
    });
  });
}

/** Lines of key files that protect something. */
async function secretLines(folder: string): Promise<readonly string[]> {
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(path.join(folder, name), 'utf8')));
  return texts.flatMap((text) => text.split('\n')).filter((line) => line.length > 40 && !line.startsWith('#'));
}
