/** Prune on real servers, killed at every point of its two steps. */
import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner, trustedKeys } from '../../../../activities/keys/site-keys.ts';
import { copyBackup } from '../../../../activities/operations/copy.ts';
import { prune } from '../../../../activities/operations/prune/index.ts';
import { unfinished } from '../../../../activities/operations/prune/records.ts';
import type { Site } from '../../../../activities/site.ts';
import { chainOf, listBackups } from '../../../../activities/storage/catalogue.ts';
import { openDestination } from '../../../../activities/storage/destinations.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { wholeSeconds } from '../../../../model/time.ts';
import type { SiteInput } from '../../../../model/config/site.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { keysIn } from '../../../support/keys-in.ts';
import { startMoto, stopMoto } from '../../../support/moto/index.ts';
import { startRemotes, type RemoteServers } from '../../../support/remote-site.ts';
import { makeSite } from '../../../support/site.ts';
import { startVaults, type Vaults } from '../../../support/stand-in-for-glacier/index.ts';
import { credentialFiles } from '../../../support/versitygw.ts';
import { runCommand, type SignalPoint } from '../../../support/worker-process.ts';
import { testWork } from '../../../support/work.ts';

const SOURCE = 'postgres';
const DAY = 86_400_000;
const OPERATION = 'activities/operations/prune';

/** Where a vault keeps its records. */
const NEAR = 'near';

/** One after the other: each goes on where the one before was cut off. The last ones are within the second step. */
const POINTS: readonly SignalPoint[] = [
  { at: `${OPERATION}/records.ts#recordBegun`, when: 'left' },
  { at: `${OPERATION}/remove.ts#removeManifest`, when: 'left' },
];
const KINDS = [
  { type: 's3', versions: true, within: { at: 'activities/storage/s3/versions.ts#versionsOf', matching: 'base' } },
  {
    type: 's3',
    versions: false,
    within: { at: 'activities/storage/s3/versions.ts#removeVersion', when: 'left', matching: 'base' },
  },
  {
    type: 'rsync',
    versions: false,
    within: { at: 'activities/storage/rsync/script.ts#runScript', when: 'left', matching: 'rm -f -- .*base' },
  },
] as const;

/** The archive is deleted, and its record is not. */
const BEHIND_ARCHIVE: SignalPoint = {
  at: 'activities/storage/directory.ts#removeObject',
  matching: 'base[^/]*\\.archive/',
};

describe('prune on a server', function () {
  this.timeout(180_000);
  let servers: RemoteServers;
  let vaults: Vaults;

  before(async () => {
    servers = await startRemotes();
    vaults = await startVaults((await startMoto()).endpoint);
  });
  after(async () => {
    await servers.close();
    await vaults.close();
    await stopMoto();
    await cleanUp();
  });

  for (const { type, versions, within } of KINDS) {
    it(`P43 killed anywhere at ${type}${versions ? ' with versions' : ''}, it leaves no child without its parent, lists nothing half, and is finished by the next`, async () => {
      const folder = await temporaryFolder();
      const remote = await servers.remote(type, folder, { versions });
      const left = await prunedUnderKills(folder, { vault: remote.config }, within, async (from, copyAll) => {
        // What a copy leaves there are the same files; of S3 the server keeps more beside each.
        if (type === 'rsync') await cp(from, remote.root, { recursive: true });
        else await copyAll();
      });
      assert.deepEqual((await keysIn(remote.root)).filter(left), []);
    });
  }

  it('P43 killed anywhere at a vault, it leaves no child without its parent, and no archive that nobody knows and somebody pays for', async () => {
    const folder = await temporaryFolder();
    const vault = await vaults.makeVault();
    const near = path.join(folder, NEAR);
    const left = await prunedUnderKills(
      folder,
      {
        [NEAR]: { type: 'directory', path: near, tiers: ['weekly'] },
        vault: {
          type: 'glacier',
          vault,
          manifests: NEAR,
          endpoint: vaults.endpoint,
          credentials: await credentialFiles(folder),
          prune: true,
        },
      },
      BEHIND_ARCHIVE,
      (_from, copyAll) => copyAll(),
    );
    const keys = (await keysIn(path.join(near, 'vaults', 'vault'))).filter((key) => !key.startsWith('.'));
    assert.deepEqual(keys.filter(left), []);
    const records = keys.filter((key) => key.includes('.archive/'));
    assert.ok(records.length > 0);
    assert.equal(await vaults.count(vault), records.length);
  });

  /**
   * @param copy puts all of a repository to the destination `vault`.
   * @returns whether a key there is one of what was to be deleted.
   */
  async function prunedUnderKills(
    folder: string,
    destinations: NonNullable<SiteInput['destinations']>,
    within: SignalPoint,
    copy: (from: string, copyAll: () => Promise<void>) => Promise<void>,
  ): Promise<(key: string) => boolean> {
    const { site, file } = await makeSite({
      folder,
      sources: { [SOURCE]: { type: 'files', paths: ['/etc/hostname'] } },
      destinations,
    });
    const now = Date.now();
    const at = async (days: number, options: BackupOptions = {}) =>
      writeBackup(site.repository, {
        source: SOURCE,
        scheduled: wholeSeconds(now - days * DAY - 3_600_000),
        signer: await siteSigner(site),
        ...options,
      });
    const full = await at(12);
    const child = await at(11, { parent: full.manifest });
    const kept = await at(9);
    const live = await at(1, { parent: kept.manifest });
    const fresh = await at(0);
    const to = openDestination('vault', site);
    const time = await to.clock?.();
    assert.ok(time && Math.abs(time.getTime() - now) < 120_000, 'its clock is compared with ours');
    const from = repositoryStore(site.repository);
    const catalogue = await listBackups(from);
    await copy(site.repository, async () => {
      for (const backup of catalogue) await copyBackup({ site, from, to, backup, catalogue, work: testWork() });
    });
    for (const [index, point] of [...POINTS, within].entries()) {
      const reached = path.join(folder, `reached-${index}`);
      const args = ['-c', file, 'prune', '--destination', 'vault', '--yes'];
      const { code, output } = await runCommand({ args, owner: folder, point, reached });
      assert.equal(code, null, output);
      await assertWhole(site);
    }
    assert.equal((await unfinished(to, SOURCE, await trustedKeys(site))).length > 0, true, 'one is open');
    const { summary } = await prune({ site, place: 'vault', apply: true, work: testWork() });
    assert.deepEqual(
      summary.places.flatMap(({ problems }) => problems),
      [],
    );
    assert.deepEqual(
      (await listBackups(openDestination('vault', site))).map((backup) => backup.folder),
      [kept, live, fresh].map((backup) => backup.folder),
    );
    assert.deepEqual(await unfinished(to, SOURCE, await trustedKeys(site)), []);
    return (key) => key.startsWith(full.folder) || key.startsWith(child.folder);
  }
});

async function assertWhole(site: Site): Promise<void> {
  const store = openDestination('vault', site);
  const there = await listBackups(store);
  for (const backup of there) {
    chainOf(there, backup);
    const keys = new Set<string>();
    for await (const { key } of store.list(backup.folder)) keys.add(key);
    for (const { name } of backup.manifest.artifacts) assert.ok(keys.has(`${backup.folder}/${name}`), backup.folder);
  }
}
