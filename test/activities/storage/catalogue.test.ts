import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  chainOf,
  findBackup,
  findPinned,
  listBackups,
  pinned,
  readCatalogue,
} from '../../../activities/storage/catalogue.ts';
import { encodeManifest } from '../../../activities/storage/manifest-file.ts';
import { inParallel } from '../../../activities/storage/parallel.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import { testBackup, writeBackup } from '../../support/backups.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { destinationOf } from './destination-of.ts';

const DAY = 86_400_000;

describe('catalogue', () => {
  let root: string;

  beforeEach(async () => {
    root = await temporaryFolder();
  });
  after(cleanUp);

  async function references(): Promise<string[]> {
    return (await listBackups(repositoryStore(root))).map(({ name }) => formatReference(name));
  }

  it('is the manifests alone, wherever their group puts them', async () => {
    await writeBackup(root, { source: 'wiki', group: 'apps' });
    await writeBackup(root, { source: 'stack', group: 'configs' });
    await writeBackup(root, { source: 'machine', group: 'system' });
    await writeBackup(root, { source: 'postgres', tier: 'weekly' });
    await writeBackup(root, {});
    assert.deepEqual(await references(), [
      'daily/stack/20261123T020000Z-full',
      'daily/wiki/20261123T020000Z-full',
      'daily/postgres/20261123T020000Z-full',
      'daily/machine/20261123T020000Z-full',
      'weekly/postgres/20261123T020000Z-full',
    ]);
  });

  it('holds logs, which have a day in their folder and no tier', async () => {
    const fields = { tier: null, kind: 'logs', id: '000000010000000000000002-000000010000000000000003' };
    const { manifest } = testBackup({ fields });
    const folder = path.join(root, 'logs/postgres/20261123', manifest.id);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, 'manifest.json'), encodeManifest(manifest));
    assert.deepEqual(await references(), [`logs/postgres/${manifest.id}`]);
  });

  it('is the same straight from a destination', async () => {
    await writeBackup(root, {});
    const context = {
      name: 'vault',
      config: { type: 'directory', path: root },
      site: 'test',
      state: await temporaryFolder(),
    } as const;
    assert.deepEqual(await listBackups(destinationOf(context)), await listBackups(repositoryStore(root)));
  });

  it('is empty where nothing is', async () => {
    assert.deepEqual(await readCatalogue(repositoryStore(path.join(root, 'not-there'))), {
      backups: [],
      problems: [],
      warnings: [],
    });
  });

  it('names what is bad, and hides nothing good', async () => {
    const good = await writeBackup(root, {});
    const { manifest } = testBackup({ source: 'other' });
    const bad: Readonly<Record<string, string | Buffer>> = {
      'not-json': 'not JSON',
      empty: '',
      'cut-off': Buffer.from(encodeManifest(manifest)).subarray(0, 200),
      'not-utf-8': Buffer.from([0x7b, 0xff, 0x7d]),
      'other-shape': '{"schema":"mosaic-backup/manifest@1"}',
      'other-version': JSON.stringify({ ...manifest, schema: 'mosaic-backup/manifest@9' }),
      'no-signature': JSON.stringify({ ...manifest, signature: undefined }),
      'half-a-letter': JSON.stringify({ ...manifest, note: '\ud800' }),
      'wrong-folder': Buffer.from(encodeManifest(manifest)),
      list: '[]',
    };
    for (const [name, bytes] of Object.entries(bad)) {
      const folder = path.join(root, 'daily/postgres', name);
      await mkdir(folder);
      await writeFile(path.join(folder, 'manifest.json'), bytes);
    }
    await mkdir(path.join(root, 'daily/postgres/a-folder/manifest.json'), { recursive: true });
    const { backups, problems } = await readCatalogue(repositoryStore(root));
    assert.deepEqual(backups, [good]);
    const found = problems.map(({ folder }) => path.basename(folder)).toSorted();
    assert.deepEqual(found, Object.keys(bad).toSorted());
    assert.match(
      problems.find(({ folder }) => folder.endsWith('wrong-folder'))?.problem ?? '',
      /says that it is daily\/other\//,
    );
    for (const { problem } of problems) assert.match(problem, /^The manifest .*\.$/);
  });

  it('gives a name to one of two folders only', async () => {
    await writeBackup(root, {});
    await cp(path.join(root, 'daily/postgres'), path.join(root, 'daily/apps/postgres'), { recursive: true });
    const { backups, problems } = await readCatalogue(repositoryStore(root));
    assert.equal(backups.length, 1);
    assert.match(problems[0]?.problem ?? '', /bears the name of another/);
  });

  it('keeps what a newer version wrote', async () => {
    const written = await writeBackup(root, {
      fields: { engine: { version: '15.14', novel: [1, { __proto__x: null }] }, novel: { deep: [0.1, 1e21, -0] } },
    });
    const file = path.join(root, written.folder, 'manifest.json');
    const [read] = await listBackups(repositoryStore(root));
    assert.ok(read);
    assert.deepEqual(
      JSON.parse(Buffer.from(encodeManifest(read.manifest)).toString()),
      JSON.parse(await readFile(file, 'utf8')),
    );
  });

  it('is quick for thousands, and opens no artifact', async () => {
    const count = 2000;
    await inParallel(
      Array.from({ length: count }, (_, index) => index),
      16,
      (index) => {
        const scheduled = `${new Date(Date.UTC(2020, 0, 1) + index * DAY).toISOString().slice(0, 19)}Z`;
        return writeBackup(root, { scheduled });
      },
    );
    const started = performance.now();
    assert.equal((await references()).length, count);
    const milliseconds = performance.now() - started;
    assert.ok(milliseconds < 4000, `${milliseconds} ms`);
  });

  describe('a reference', () => {
    it('may be short where it is unique', async () => {
      const monday = await writeBackup(root, {});
      const tuesday = await writeBackup(root, { scheduled: '2026-11-24T02:00:00Z' });
      await writeBackup(root, { source: 'wiki', group: 'apps' });
      const all = await listBackups(repositoryStore(root));
      assert.deepEqual(findBackup(all, 'daily/postgres/20261123T020000Z-full'), monday);
      assert.deepEqual(findBackup(all, 'postgres/20261124'), tuesday);
      assert.deepEqual(findBackup(all, '20261124'), tuesday);
      assert.equal(
        findBackup(all, 'daily/apps/wiki/20261123T020000Z-full').name.source,
        'wiki',
        'the folder that one sees',
      );
    });

    it('that is pinned means one backup, and not another of its name', async () => {
      const monday = await writeBackup(root, {});
      const all = await listBackups(repositoryStore(root));
      const exact = pinned(monday.manifest);
      assert.deepEqual(findPinned(all, exact), monday);
      assert.throws(() => findPinned(all, { ...exact, sha256: '0'.repeat(64) }), { code: 'conflict' });
      assert.throws(() => findPinned(all, { ...exact, reference: exact.reference.slice(0, -1) }), { code: 'conflict' });
    });

    it('is ambiguous or unknown, and says so', async () => {
      await writeBackup(root, {});
      await writeBackup(root, { tier: 'weekly' });
      const all = await listBackups(repositoryStore(root));
      assert.throws(
        () => findBackup(all, 'postgres/2026'),
        (error: BackupError) => {
          assert.equal(error.code, 'ambiguous');
          assert.deepEqual(error.facts['matches'], [
            'daily/postgres/20261123T020000Z-full',
            'weekly/postgres/20261123T020000Z-full',
          ]);
          return true;
        },
      );
      for (const unknown of ['postgres/2027', 'mysql', '', '/', 'daily/postgres/']) {
        assert.throws(() => findBackup(all, unknown), { code: 'not-found' }, unknown);
      }
    });

    it('is named where a source is: its newest is what was meant', async () => {
      await writeBackup(root, { scheduled: '2026-11-23T02:00:00Z' });
      await writeBackup(root, { scheduled: '2026-11-22T02:00:00Z' });
      const all = await listBackups(repositoryStore(root));
      for (const meant of ['postgres', 'postgres/latest']) {
        assert.throws(
          () => findBackup(all, meant),
          ({ code, remedy }: BackupError) =>
            code === 'not-found' &&
            /newest is daily\/postgres\/20261123T020000Z-full;.*`latest --source postgres`/.test(remedy ?? ''),
          meant,
        );
      }
    });
  });

  describe('a chain', () => {
    async function chain() {
      const full = await writeBackup(root, {});
      const first = await writeBackup(root, { scheduled: '2026-11-24T02:00:00Z', parent: full.manifest });
      const second = await writeBackup(root, { scheduled: '2026-11-25T02:00:00Z', parent: first.manifest });
      return [full, first, second] as const;
    }

    it('begins with its full', async () => {
      const [full, first, second] = await chain();
      const all = await listBackups(repositoryStore(root));
      assert.deepEqual(chainOf(all, second), [full, first, second]);
      assert.deepEqual(chainOf(all, full), [full]);
    });

    it('survives a rotation of recipients: the key is not in the signed form', async () => {
      const [full, first] = await chain();
      const rotated = { ...full, manifest: { ...full.manifest, key: 'rotated' } };
      assert.deepEqual(chainOf([rotated, first], first), [rotated, first]);
    });

    it('lacks a parent, and names it', async () => {
      const [full, , second] = await chain();
      assert.throws(
        () => chainOf([full, second], second),
        (error: BackupError) =>
          error.code === 'not-found' && error.facts['parent'] === 'daily/postgres/20261124T020000Z-incremental',
      );
    });

    it('is refused when a parent is another backup of its name', async () => {
      const [, first] = await chain();
      const other = testBackup({ artifacts: { 'base.tar.zst.age': Buffer.from('other data') } });
      assert.throws(() => chainOf([other, first], first), { code: 'verification-failed' });
    });
  });
});
