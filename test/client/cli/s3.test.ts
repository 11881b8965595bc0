/** The whole way through a bucket: captured, copied, verified there, and restored where nothing else is left. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { copyToDestination } from '../../../activities/operations/copy-to.ts';
import { json, mosaicHere } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { writeRecoveryConfig } from '../../support/recovery-config.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { credentialFiles, startGateway, stopGateways, type Gateway } from '../../support/versitygw.ts';
import { testWork } from '../../support/work.ts';

const CANARY = 'a-secret-of-the-source-that-leaves-the-host-only-encrypted';
const REFERENCE = 'daily/stack/20261121T020000Z-full';

describe('a copy in S3, on the command line', () => {
  let gateway: Gateway;
  let folder: string;
  let made: TestSite;

  before(async () => {
    gateway = await startGateway();
    await gateway.admin.createBucket({ Bucket: 'backups' });
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', '.env'), `TOKEN=${CANARY}\n`);
    await writeFile(path.join(folder, 'data', `${CANARY}.txt`), CANARY.repeat(5_000));
    made = await makeSite({
      folder,
      sources: { stack: { type: 'files', group: 'configs', paths: [path.join(folder, 'data')] } },
      destinations: {
        remote: {
          type: 's3',
          bucket: 'backups',
          prefix: 'prod/here',
          endpoint: gateway.endpoint,
          credentials: await credentialFiles(folder),
          prune: true,
        },
      },
    });
    const { site } = made;
    const run = { runId: 'daily-2026-11-21T02:00:00Z', scheduled: '2026-11-21T02:00:00Z', attempt: 1, busy: 0 };
    const { backup } = await captureBackup({ site, source: 'stack', tier: 'daily', ...run, work: testWork() });
    await copyToDestination({ site, backup, destination: 'remote', work: testWork() });
  });
  after(async () => {
    await stopGateways();
    await cleanUp();
  });

  it('is listed and verified there, and doctor has examined the place', async () => {
    const listed = await mosaicHere(['-c', made.file, '--json', 'list', '--destination', 'remote']);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, new RegExp(REFERENCE));
    const verified = await mosaicHere(['-c', made.file, 'verify', REFERENCE, '--destination', 'remote']);
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const doctor = await mosaicHere(['-c', made.file, '--json', 'doctor']);
    assert.match(doctor.stdout, /s3, server:127\.0\.0\.1/);
    assert.doesNotMatch(doctor.stdout, /destination remote.*(?:failed|denied)/);
    assert.match(doctor.stdout, /backups of remote keeps no versions: whoever has the credentials/);
  });

  it('P39 nothing of what was captured lies in the bucket in plaintext', async () => {
    const files = await readdir(gateway.root, { recursive: true, withFileTypes: true });
    const objects = files.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    assert.ok(objects.length >= 4, objects.join());
    for (const object of objects) {
      assert.ok(!object.includes(CANARY), object);
      assert.ok(!(await readFile(object)).includes(CANARY), object);
    }
  });

  it('P48 restores on a machine that has nothing but the bucket and the recovery kit', async () => {
    const kit = await mosaicHere(['-c', made.file, 'keys', 'kit']);
    assert.equal(kit.code, 0, kit.stderr);
    assert.match(kit.stdout, /s3:\/\/backups\/prod\/here at http:/);
    const empty = await temporaryFolder();
    const recovery = await writeRecoveryConfig(kit.stdout, made.site, empty);
    await rm(made.site.repository, { recursive: true });
    await rm(made.site.state, { recursive: true });
    const to = path.join(empty, 'restored');
    const args = ['-c', recovery, '--json', 'restore', 'latest', '--source', 'stack', '--from', 'remote', '--to', to];
    const restored = await mosaicHere(args);
    assert.equal(restored.code, 0, restored.stdout + restored.stderr);
    assert.ok(json(restored));
    assert.equal(await readFile(path.join(to, folder, 'data', '.env'), 'utf8'), `TOKEN=${CANARY}\n`);
  });
});
