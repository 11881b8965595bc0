/** Catch-up to servers that are away, are cut off in the middle, and whose worker is killed. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { siteSigner } from '../../../../activities/keys/site-keys.ts';
import { deliverCopies, type DeliverRequest } from '../../../../activities/operations/catch-up/deliver.ts';
import type { Site } from '../../../../activities/site.ts';
import { chainOf, listBackups, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { directoryStore } from '../../../../activities/storage/directory.ts';
import { prepareRepository, putRepositorySmall } from '../../../../activities/storage/repository.ts';
import type { Delivered } from '../../../../model/catch-up.ts';
import { canonical } from '../../../../model/manifest.ts';
import { MANIFEST } from '../../../../model/paths.ts';
import { RECOVERY_POINT_SCHEMA } from '../../../../model/recovery-point.ts';
import { writeBackup, type BackupOptions } from '../../../support/backups.ts';
import { endChildren, startChild } from '../../../support/children.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { REMOTE_TYPES, startRemotes, type Remote, type RemoteServers } from '../../../support/remote-site.ts';
import { makeSite } from '../../../support/site.ts';
import { testWork } from '../../../support/work.ts';
import { optionsOfTemplate } from '../../storage/rsync/template.ts';

const DELIVER_CHILD = new URL('./deliver-child.ts', import.meta.url);
const NOON = Date.parse('2026-11-27T12:00:00Z');

describe('catch-up to a server', function () {
  this.timeout(180_000);
  let servers: RemoteServers;

  before(async () => {
    servers = await startRemotes();
  });
  afterEach(endChildren);
  after(async () => {
    await servers.close();
    await cleanUp();
  });

  for (const type of REMOTE_TYPES) {
    describe(type, () => {
      let site: Site;
      let file: string;
      let remote: Remote;

      beforeEach(async () => {
        const folder = await temporaryFolder();
        remote = await servers.remote(type, folder);
        ({ site, file } = await makeSite({
          folder,
          // Fixed days: nothing of them is over.
          retention: { prune: false },
          sources: { postgres: { type: 'files', paths: ['/etc/hostname'] } },
          destinations: { vault: remote.config },
        }));
      });

      async function backup(day: number, options: BackupOptions = {}): Promise<Catalogued> {
        const artifacts = { 'base.tar.zst.age': randomBytes(1000) };
        return writeBackup(site.repository, {
          scheduled: `2026-11-${day}T02:00:00Z`,
          artifacts,
          fields: { host: site.host },
          signer: await siteSigner(site),
          ...options,
        });
      }

      function deliver(options: Partial<DeliverRequest> = {}): Promise<Delivered> {
        return deliverCopies({ site, destination: 'vault', deadline: null, work: testWork(), ...options });
      }

      /** What lies there on the server's own side: each that is listed is whole, with all that it builds on. */
      async function assertWhole(): Promise<number> {
        const store = directoryStore(remote.root);
        const catalogue = await listBackups(store);
        for (const there of catalogue) {
          chainOf(catalogue, there);
          for (const { name, bytes } of there.manifest.artifacts)
            assert.equal(
              (await stat(path.join(remote.root, there.folder, name))).size,
              bytes,
              `${there.folder}/${name}`,
            );
        }
        return catalogue.length;
      }

      it('brings all of it however often it was away, cut off and killed: the newest chain first, nothing ever half', async () => {
        const old = await backup(21);
        const oldChild = await backup(22, { parent: old.manifest });
        // Of two parts in S3.
        const full = await backup(23, { artifacts: { 'base.tar.zst.age': randomBytes(6 * 2 ** 20) } });
        const child = await backup(24, { parent: full.manifest });
        remote.link.cut();
        for (let run = 0; run < 2; run += 1) {
          const away = await deliver();
          assert.deepEqual(
            [away.state, away.behind?.backups, away.behind?.since],
            ['unreachable', 4, '2026-11-21T02:00:00Z'],
          );
          assert.match(away.errors[0]?.message ?? '', /vault/);
        }
        remote.link.mend();
        const config = site.config.destinations['vault'];
        assert.ok(config);
        const nightly = { ...config, windows: [{ from: '22:00', to: '06:00' }] };
        const closed = { ...site, config: { ...site.config, destinations: { vault: nightly } } };
        assert.equal((await deliver({ site: closed, clock: () => NOON })).state, 'waiting');
        assert.equal(await assertWhole(), 0);

        const work = testWork();
        let reached = 0;
        const cutting = {
          ...work,
          progress: ({ phase, bytes }: { phase: string; bytes: number }) => {
            if (!phase.startsWith('copying') || bytes < 3 * 2 ** 20) return;
            reached += 1;
            remote.link.cut();
          },
        };
        const lost = await deliver({ work: cutting });
        assert.ok(reached > 0, 'the link was not cut in the middle');
        assert.deepEqual([lost.state, lost.copied.backups, await assertWhole()], ['unreachable', 0, 0]);
        remote.link.mend();

        const killed = startChild(DELIVER_CHILD, { file, stopAt: 4 * 2 ** 20 });
        await killed.stopped();
        await killed.signal('SIGKILL');
        await assertWhole();
        const served = await deliver();
        assert.equal(served.state, 'served', JSON.stringify(served));
        assert.equal(await assertWhole(), 4);
        const times = await Promise.all(
          [full, child, old, oldChild].map(
            async ({ folder }) => (await stat(path.join(remote.root, folder, MANIFEST))).mtimeMs,
          ),
        );
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );

        const next = await backup(25, { parent: child.manifest });
        remote.link.cut();
        const behind = await deliver();
        assert.deepEqual(
          [behind.state, behind.behind?.backups, behind.newest],
          ['unreachable', 1, '2026-11-24T02:00:00Z'],
        );
        remote.link.mend();
        assert.deepEqual((await deliver()).copied.backups, 1);
        for (const { folder } of [old, oldChild, full, child, next]) {
          for (const name of await readdir(path.join(site.repository, folder))) {
            const [here, there] = await Promise.all(
              [site.repository, remote.root].map((root) => readFile(path.join(root, folder, name))),
            );
            assert.ok(there && here?.equals(there), `${folder}/${name}`);
          }
        }
      });
    });
  }

  it('a recovery point that an append-only server keeps as it was first is told once, and owed no more', async () => {
    const folder = await temporaryFolder();
    const restrict = async (root: string) => (await optionsOfTemplate(root)).writing;
    const remote = await servers.remote('rsync', folder, { restrict });
    const { site } = await makeSite({
      folder,
      sources: { postgres: { type: 'files', paths: ['/etc/hostname'] } },
      destinations: { vault: remote.config },
    });
    await prepareRepository(site);
    const deliver = () => deliverCopies({ site, destination: 'vault', deadline: null, work: testWork() });
    const there = path.join(remote.root, 'recovery-points', 'daily-2026-11-23T02:00:00Z.json');
    const standing = ({ state, errors }: Delivered) => [state, errors.map(({ code }) => code)];

    await mkdir(path.dirname(there));
    const first = await sign(site, 'partial');
    await sign(site, 'complete');
    // What none of ours has signed is nobody's earlier one: it stays owed until somebody has looked.
    await writeFile(there, 'somebody was here');
    assert.deepEqual(standing(await deliver()), ['behind', ['conflict']]);

    await writeFile(there, first);
    const told = await deliver();
    assert.deepEqual(standing(told), ['served', ['conflict']]);
    assert.match(
      told.errors[0]?.message ?? '',
      /vault lets nothing be overwritten, .* stays there as it was signed first/,
    );
    assert.deepEqual(told.behind, { backups: 0, bytes: 0, since: null, records: 0 });
    assert.deepEqual(standing(await deliver()), ['served', []]);
    assert.equal(await readFile(there, 'utf8'), first);
  });
});

/** The recovery point of one run, as it is signed each time that something of the run was done again. */
async function sign(site: Site, outcome: 'partial' | 'complete'): Promise<string> {
  const scheduled = '2026-11-23T02:00:00Z';
  const id = `daily-${scheduled}`;
  const of = { schema: RECOVERY_POINT_SCHEMA, site: 'test', plan: 'daily', scheduled, created: scheduled, sources: [] };
  const unsigned = { ...of, id, outcome };
  const signature = (await siteSigner(site)).sign(canonical(unsigned));
  const text = JSON.stringify({ ...unsigned, signature });
  await putRepositorySmall(site, `recovery-points/${id}.json`, Buffer.from(text));
  return text;
}
