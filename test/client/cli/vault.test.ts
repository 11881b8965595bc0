/** The whole way through a vault: run, listed, verified, thawed, and restored where nothing is left but it and the place of its records. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { archiveRecord } from '../../../model/archive-record.ts';
import { wholeSeconds } from '../../../model/time.ts';
import { mosaicHere, type Ended } from '../../support/command-line.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { startMoto, stopMoto } from '../../support/moto/index.ts';
import { ownTemporal } from '../../support/ports.ts';
import { writeRecoveryConfig } from '../../support/recovery-config.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startVaults, type Vaults } from '../../support/stand-in-for-glacier/index.ts';
import { credentialFiles } from '../../support/versitygw.ts';
import { testWork } from '../../support/work.ts';

const CANARY = 'a-secret-of-the-source-that-leaves-the-host-only-encrypted';
const listing = z.looseObject({ backups: z.array(z.looseObject({ reference: z.string() })) });

describe('a copy in a vault, on the command line', () => {
  let vaults: Vaults;
  let folder: string;
  let made: TestSite;
  let reference: string;

  before(async () => {
    vaults = await startVaults((await startMoto()).endpoint);
    folder = await temporaryFolder();
    await mkdir(path.join(folder, 'data'));
    await writeFile(path.join(folder, 'data', '.env'), `TOKEN=${CANARY}\n`);
    made = await makeSite({
      folder,
      temporal: await ownTemporal(),
      sources: { stack: { type: 'files', group: 'configs', paths: [path.join(folder, 'data')] } },
      destinations: {
        near: { type: 'directory', path: path.join(folder, 'near'), tiers: ['weekly'] },
        cold: {
          type: 'glacier',
          vault: await vaults.makeVault(),
          manifests: 'near',
          endpoint: vaults.endpoint,
          credentials: await credentialFiles(folder),
          thaw: { interval: '100ms' },
          prune: true,
        },
      },
    });
  });
  after(async () => {
    await vaults.close();
    await stopMoto();
    await cleanUp();
  });

  function mosaic(...args: readonly string[]): Promise<Ended> {
    return mosaicHere(['-c', made.file, ...args]);
  }
  async function listed(destination: string): Promise<readonly string[]> {
    const ended = await mosaic('--json', 'list', '--destination', destination, '--source', 'stack');
    assert.equal(ended.code, 0, ended.stderr);
    return listing.parse(JSON.parse(ended.stdout)).backups.map((backup) => backup.reference);
  }

  it('a run copies to it, and its catalogue is apart from that of the place of its records', async () => {
    const run = await mosaic('run', 'daily', '--source', 'stack');
    assert.equal(run.code, 0, run.stdout + run.stderr);
    const [found = '', ...others] = await listed('cold');
    assert.deepEqual(others, []);
    assert.match(found, /^daily\/stack\//);
    reference = found;
    assert.deepEqual(await listed('near'), []);
    assert.ok((await vaults.count(vaultName())) >= 2, 'artifacts are archives');
    const doctor = await mosaic('--json', 'doctor');
    assert.match(doctor.stdout, /the keys of all that lies in the vault .* of cold lie at \\"near\\"/);
  });

  function vaultName(): string {
    const { cold } = made.site.config.destinations;
    return cold?.type === 'glacier' ? cold.vault : assert.fail('it is a vault');
  }

  let later: string;
  it('catch-up delivers what it lacks', async () => {
    const { site } = made;
    const scheduled = wholeSeconds(Date.now());
    const run = { runId: `daily-${scheduled}`, scheduled, attempt: 1, busy: 0 };
    await writeFile(path.join(folder, 'data', 'more'), 'and what came later\n');
    const { backup } = await captureBackup({ site, source: 'stack', tier: 'daily', ...run, work: testWork() });
    later = backup.reference;
    assert.ok(!(await listed('cold')).includes(later));
    const caughtUp = await mosaic('run', 'catch-up');
    assert.equal(caughtUp.code, 0, caughtUp.stdout + caughtUp.stderr);
    assert.ok((await listed('cold')).includes(backup.reference));
    assert.deepEqual(await listed('near'), []);
  });

  it('P39 nothing of what was captured lies beside it in plaintext', async () => {
    const files = await readdir(path.join(folder, 'near'), { recursive: true, withFileTypes: true });
    for (const entry of files.filter((each) => each.isFile()))
      assert.ok(!(await readFile(path.join(entry.parentPath, entry.name))).includes(CANARY), entry.name);
  });

  it('is verified by nothing while it lies frozen, and by every byte when it was thawed', async () => {
    vaults.hold();
    const frozen = await mosaic('verify', '--destination', 'cold');
    assert.equal(frozen.code, 3, frozen.stdout + frozen.stderr);
    assert.match(frozen.stdout, /FROZEN/);
    const preview = await mosaic('copies', 'thaw', reference, '--from', 'cold');
    assert.match(preview.stderr, /expedited/);
    assert.equal(vaults.asked().length, 0);
    vaults.release();
    const thawed = await mosaic('copies', 'thaw', reference, '--from', 'cold', '--yes', '--direct');
    assert.equal(thawed.code, 0, thawed.stdout + thawed.stderr);
    const verified = await mosaic('verify', reference, '--destination', 'cold');
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    const inventory = ['copies', 'inventory', 'cold'] as const;
    assert.match((await mosaic(...inventory)).stdout, /has no list/);
    assert.match(
      (await mosaic(...inventory, '--ask')).stdout,
      /all of it is on record, and all that is on record was there/,
    );
  });

  it('what somebody has deleted in the vault is told by its inventory, and stored again from the repository', async () => {
    const inventory = ['copies', 'inventory', 'cold'] as const;
    const records = await readdir(path.join(folder, 'near'), { recursive: true });
    const ofIt = new RegExp(`/${path.basename(later)}/[^/]+\\.archive/[^/]+\\.json$`);
    const artifact = records.find((name) => ofIt.test(name)) ?? '';
    const own = path.join(folder, 'near', artifact);
    const record = archiveRecord.parse(JSON.parse(await readFile(own, 'utf8')));
    await rm(own);
    // It was stored long before the inventory was made.
    const old = { ...record, uploaded: '2020-01-01T00:00:00.000Z' };
    await writeFile(own.replace(/\/\d{8}T\d{9}Z-/, '/20200101T000000000Z-'), JSON.stringify(old));
    await vaults.remove(vaultName(), record.archiveId);
    const told = await mosaic(...inventory, '--record', '--dry-run');
    assert.equal(told.code, 9, told.stdout);
    assert.match(told.stdout, new RegExp(`MISSING ${record.key}`));
    assert.match(told.stdout, /0 archives would be put on record, 1 struck off/);
    assert.match((await mosaic(...inventory, '--record')).stdout, /0 archives were put on record, 1 struck off/);
    const repaired = await mosaic('copies', 'repair', '--to', 'cold', '--yes');
    assert.equal(repaired.code, 0, repaired.stdout + repaired.stderr);
    assert.match(repaired.stdout, new RegExp(`repaired\\s+${path.basename(record.key)}\\s+repository`));
    assert.match(
      (await mosaic(...inventory, '--ask')).stdout,
      /all of it is on record, and all that is on record was there/,
    );
    assert.equal((await mosaic('copies', 'inventory', 'near')).code, 2, 'a folder makes no lists of its own');
  });

  it('P48 restores on a machine that has nothing but the vault, the place of its records and the recovery kit', async () => {
    const kit = await mosaic('keys', 'kit');
    assert.equal(kit.code, 0, kit.stderr);
    assert.match(kit.stdout, /aws glacier get-job-output --account-id - --vault-name vault-/);
    const empty = await temporaryFolder();
    const recovery = await writeRecoveryConfig(kit.stdout, made.site, empty);
    await rm(made.site.repository, { recursive: true });
    await rm(made.site.state, { recursive: true });
    const to = path.join(empty, 'restored');
    const asked = vaults.asked().length;
    const args = ['restore', reference, '--from', 'cold', '--to', to];
    const restored = await mosaicHere(['-c', recovery, '--json', ...args]);
    assert.equal(restored.code, 0, restored.stdout + restored.stderr);
    assert.equal(await readFile(path.join(to, folder, 'data', '.env'), 'utf8'), `TOKEN=${CANARY}\n`);
    assert.equal(vaults.asked().length, asked, 'what was asked for before was found by the vault itself');
  });
});
