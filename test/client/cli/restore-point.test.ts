import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { json, mosaicHere } from '../../support/command-line.ts';
import { damageFile } from '../../support/damage.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { ownTemporal } from '../../support/ports.ts';
import { openSession, runDaily } from '../../support/session.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { withSmallDisk } from '../../support/small-disk.ts';
import { startCommand } from '../../support/worker-process.ts';

const printed = z.looseObject({
  restored: z.array(
    z.looseObject({
      source: z.string(),
      from: z.string().nullable(),
      existed: z.boolean(),
      passed: z.array(z.string()),
      error: z.unknown(),
    }),
  ),
});

describe('restoring a whole recovery point', function () {
  this.timeout(60_000);
  const sources = ['wiki', 'board', 'zero'] as const;
  const data = new Map<string, Buffer>();
  let folder: string;
  let test: TestSite;

  before(async () => {
    folder = await temporaryFolder();
    for (const source of sources) {
      data.set(source, randomBytes(100_000));
      await mkdir(path.join(folder, 'data', source), { recursive: true });
      await writeFile(path.join(folder, 'data', source, 'file'), data.get(source) ?? '');
    }
    const files = (name: string) => ({ type: 'files' as const, paths: [path.join(folder, 'data', name)] });
    test = await makeSite({
      folder,
      sources: { board: { ...files('board'), after: ['wiki'] }, wiki: files('wiki'), zero: files('zero') },
      temporal: await ownTemporal(),
    });
    const session = await openSession(test.file);
    const report = await runDaily({ session, site: 'test', scheduled: '2026-11-20T02:00:00Z', sources });
    await session.close();
    assert.equal(report.outcome, 'complete', JSON.stringify(report));
  });

  after(cleanUp);

  it('gives each source a folder of its name; a second time it is refused, since nothing is lacking of another point', async () => {
    const to = path.join(folder, 'all');
    const { code, stdout, stderr } = await restore('--point', 'latest', '--to', to);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /wiki +restored in .* daily\/wiki\/20261120T020000Z-full +repository/);
    await assertRestored(to);
    const again = await restored('--point', 'daily-2026-11-20T02:00:00Z', '--to', to);
    assert.ok(again.every(({ existed }) => existed));
    await writeFile(path.join(folder, 'taken'), '');
    const refused = await restore('--point', 'latest', '--to', path.join(folder, 'data'));
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /is not empty: it has .*Nothing was changed/);
  });

  it('--dry-run tells what would come from where, and does nothing', async () => {
    const to = path.join(folder, 'dry');
    const { code, stdout } = await restore('--point', 'latest', '--to', to, '--dry-run');
    assert.equal(code, 0);
    assert.match(stdout, /board +daily\/board\/20261120T020000Z-full +repository, vault/);
    await assert.rejects(readdir(to), { code: 'ENOENT' });
  });

  it('takes another copy of what is damaged, and says so', async () => {
    const [artifact = ''] = await artifactsOf('board');
    await damageFile(artifact);
    const to = path.join(folder, 'damaged');
    const found = await restored('--point', 'latest', '--to', to);
    await damageFile(artifact);
    const board = found.find(({ source }) => source === 'board');
    assert.equal(board?.from, 'vault');
    assert.match(board.passed.join(), /^repository: .*board/);
    await assertRestored(to);
  });

  it('where no copy does, the others are restored all the same, and it is exit status 3', async () => {
    const all = [...(await artifactsOf('board')), ...(await artifactsOf('board', path.join(folder, 'vault')))];
    for (const artifact of all) await damageFile(artifact);
    const to = path.join(folder, 'lost');
    const { code, stdout } = await restore('--point', 'latest', '--to', to);
    for (const artifact of all) await damageFile(artifact);
    assert.equal(code, 3);
    assert.match(stdout, /board +FAILED/);
    await assertRestored(to, ['wiki', 'zero']);
    assert.ok(!(await readdir(to)).includes('board'));
  });

  it('comes from a destination alone where the repository is gone', async () => {
    const away = `${test.site.repository}.away`;
    await rename(test.site.repository, away);
    const to = path.join(folder, 'remote');
    const found = await restored('--point', 'latest', '--to', to, '--from', 'vault');
    await rename(away, test.site.repository);
    assert.deepEqual(new Set(found.map(({ from }) => from)), new Set(['vault']));
    await assertRestored(to);
  });

  it('P49 cut off by SIGKILL it goes on: what is restored stays, what was half made is gone', async () => {
    const to = path.join(folder, 'killed');
    const dying = startCommand({
      args: ['-c', test.file, 'restore', '--point', 'latest', '--to', to],
      owner: folder,
      point: { at: 'activities/operations/restore.ts#restoreBackup', when: 'left' },
      reached: path.join(folder, 'reached'),
    });
    assert.equal((await dying.ended).signal, 'SIGKILL');
    const found = await restored('--point', 'latest', '--to', to);
    assert.ok(found.some(({ existed }) => existed));
    await assertRestored(to);
    const left = (await readdir(to)).filter((name) => !sources.some((source) => source === name));
    assert.deepEqual(left, ['.mosaic-restore.json']);
    await rm(to, { recursive: true });
  });

  it('takes no folder for restored that somebody else has put there, however often it is asked', async () => {
    const to = path.join(folder, 'mixed');
    assert.equal((await restore('--point', 'latest', '--source', 'wiki', '--to', to)).code, 0);
    await mkdir(path.join(to, 'board'));
    await writeFile(path.join(to, 'board', 'foreign'), 'of somebody else');
    for (const time of ['first', 'second']) {
      const { code, stdout } = await restore('--json', '--point', 'latest', '--to', to);
      assert.equal(code, 3, `${time}: ${stdout}`);
      assert.match(stdout, /board is not empty: it has foreign/);
    }
    await rm(path.join(to, 'board'), { recursive: true });
    assert.equal((await restore('--point', 'latest', '--to', to)).code, 0);
    await assertRestored(to);
  });

  it('begins nothing where there is no room for all of it, and says how much is lacking', async () => {
    await withSmallDisk(1, async (disk) => {
      await writeFile(path.join(disk, 'mine'), Buffer.alloc(800_000));
      const to = path.join(disk, 'new', 'all');
      const { code, stderr } = await restore('--point', 'latest', '--to', to);
      assert.equal(code, 4, stderr);
      assert.match(stderr, /\S+\/new\/all has 2\d\d\S* KiB free, and 3\d\d\S* KiB are needed\. Nothing was written\./);
      assert.match(stderr, /Free at least .* there, or choose a place on a bigger disk/);
      const { error } = json(await restore('--json', '--point', 'latest', '--to', to));
      const { path: of, free, needed } = error?.facts ?? {};
      assert.deepEqual([error?.code, of], ['no-space', to]);
      assert.ok(Number(needed) >= 300_000 && Number(free) > 0 && Number(free) < Number(needed), stderr);
      assert.deepEqual(await readdir(disk), ['mine']);
      // One of them has room.
      assert.equal((await restore('--point', 'latest', '--source', 'wiki', '--to', to)).code, 0);
      await assertRestored(to, ['wiki']);
    });
  });

  it('of single paths of a source as well it is the target that has no room', async () => {
    await withSmallDisk(1, async (disk) => {
      await writeFile(path.join(disk, 'mine'), Buffer.alloc(1_000_000));
      const [to, file] = [path.join(disk, 'all'), path.join(folder, 'data', 'wiki', 'file')];
      const { code, stderr } = await restore('latest', '--source', 'wiki', '--path', file, '--to', to, '--direct');
      assert.equal(code, 4, stderr);
      assert.match(stderr, /\/all has \d\S* KiB free, and 97\.7 KiB are needed\. Nothing was written\./);
      assert.ok(!stderr.includes('.restore-'), stderr);
      assert.deepEqual(await readdir(disk), ['mine']);
    });
  });

  it('names the points that there are, and refuses what does not go with one', async () => {
    const unknown = await restore('--point', 'daily-2020-01-01T02:00:00Z', '--to', path.join(folder, 'none'));
    assert.equal(unknown.code, 6);
    assert.match(unknown.stderr, /The newest are: daily-2026-11-20T02:00:00Z/);
    assert.equal((await restore('latest', '--point', 'latest', '--to', path.join(folder, 'none'))).code, 2);
    const other = await restore('--point', 'latest', '--source', 'nobody', '--to', path.join(folder, 'none'));
    assert.equal(other.code, 6, other.stderr);
  });

  function restore(...args: readonly string[]) {
    return mosaicHere(['-c', test.file, 'restore', ...args]);
  }

  async function restored(...args: readonly string[]) {
    const { code, stdout, stderr } = await mosaicHere(['-c', test.file, '--json', 'restore', ...args]);
    assert.equal(code, 0, stderr);
    return printed.parse(JSON.parse(stdout)).restored;
  }

  async function assertRestored(to: string, of: readonly string[] = sources): Promise<void> {
    for (const source of of) {
      const file = path.join(to, source, folder, 'data', source, 'file');
      assert.ok((await readFile(file)).equals(data.get(source) ?? Buffer.of()), source);
    }
  }

  async function artifactsOf(source: string, below = test.site.repository): Promise<string[]> {
    const all = await readdir(below, { recursive: true });
    return all
      .filter((name) => name.includes(`/${source}/2`) && name.endsWith('.tar.zst.age'))
      .map((name) => path.join(below, name));
  }
});
