import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { acquireLease } from '../../../activities/storage/lease.ts';
import type { Lease } from '../../../activities/storage/lease.ts';
import {
  attemptName,
  createStaging,
  freeSpace,
  pointLatest,
  repositoryStore,
  requireSpace,
  sealBackup,
  sweepStaging,
} from '../../../activities/storage/repository.ts';
import type { BackupError } from '../../../model/errors.ts';
import { fillFolder, testBackup } from '../../support/backups.ts';
import type { BackupOptions } from '../../support/backups.ts';
import { endChildren, startChild } from '../../support/children.ts';
import { cleanUp, remount, smallFileSystem, temporaryFolder } from '../../support/folders.ts';
import { placeOf } from './places.ts';

const SEAL_CHILD = new URL('./seal-child.ts', import.meta.url);
const FOLDER = 'daily/postgres/20261123T020000Z-full';

describe('repository', () => {
  let state: string;
  let root: string;
  let attempts = 0;

  beforeEach(async () => {
    state = await temporaryFolder();
    root = path.join(state, 'repository');
    await mkdir(root, { mode: 0o700 });
  });
  afterEach(endChildren);
  after(cleanUp);

  function acquire(attempt: number): Promise<Lease> {
    const { signal } = new AbortController();
    return acquireLease({ state, name: 'postgres', step: 'daily/postgres', attempt, wait: 0, signal });
  }

  /** A staging folder with all of a backup in it. */
  async function staged(text: string, options: BackupOptions = {}) {
    const artifacts = { 'base.tar.zst.age': Buffer.from(text) };
    const backup = testBackup({ ...options, artifacts });
    attempts += 1;
    const staging = await createStaging(root, `postgres-${attempts}`);
    await fillFolder(staging, backup.manifest, artifacts);
    return { root, staging, folder: backup.folder, place: placeOf(backup) };
  }

  async function folders(): Promise<string[]> {
    return (await listBackups(repositoryStore(root))).map(({ folder }) => folder);
  }

  async function sealedText(): Promise<string> {
    return readFile(path.join(root, FOLDER, 'base.tar.zst.age'), 'utf8');
  }

  it('lists a backup once it is sealed, and not before', async () => {
    const seal = { ...(await staged('data')), lease: await acquire(1) };
    assert.deepEqual(await folders(), []);
    assert.equal(await sealBackup(seal), 'sealed');
    assert.deepEqual(await folders(), [FOLDER]);
    assert.deepEqual(await readdir(path.join(root, '.staging')), []);
  });

  it('is private', async () => {
    const seal = { ...(await staged('data')), lease: await acquire(1) };
    await writeFile(path.join(seal.staging, 'loose.age'), 'x', { mode: 0o644 });
    await sealBackup(seal);
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const { mode } = await stat(path.join(entry.parentPath, entry.name));
      assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
    }
  });

  it('P49 publishes one of two attempts that seal at once', async () => {
    const lease = await acquire(1);
    const seals = [await staged('one'), await staged('two')];
    const results = await Promise.all(seals.map((seal) => sealBackup({ ...seal, lease })));
    assert.deepEqual(results.toSorted(), ['existed', 'sealed']);
    assert.equal(await sealedText(), results[0] === 'sealed' ? 'one' : 'two');
    assert.deepEqual(await folders(), [FOLDER]);
    assert.deepEqual(await readdir(path.join(root, '.staging')), [], 'the later one drops its own');
  });

  it('P49 publishes nothing of a zombie that wakes after its retry sealed', async () => {
    const zombie = startChild(SEAL_CHILD, { root, state });
    await zombie.line();
    await zombie.stopped();
    const seal = { ...(await staged('by the second attempt')), lease: await acquire(2) };
    assert.equal(await sealBackup(seal), 'sealed');
    await zombie.signal('SIGCONT');
    assert.equal(await zombie.line(), 'lease-lost');
    assert.equal(await sealedText(), 'by the second attempt');
  });

  it('P49 publishes nothing of a zombie that wakes before its retry has sealed', async () => {
    const zombie = startChild(SEAL_CHILD, { root, state });
    await zombie.line();
    await zombie.stopped();
    const seal = { ...(await staged('by the second attempt')), lease: await acquire(2) };
    await zombie.signal('SIGCONT');
    assert.equal(await zombie.line(), 'lease-lost');
    assert.deepEqual(await folders(), []);
    assert.equal(await sealBackup(seal), 'sealed');
    assert.equal(await sealedText(), 'by the second attempt');
  });

  it('sweeps the staging of an attempt that was killed before its seal, and no other', async () => {
    const dead = startChild(SEAL_CHILD, { root, state });
    const left = await dead.line();
    await dead.stopped();
    const mine = await staged('mine');
    await mkdir(path.join(root, '.staging', 'somebody-else'));
    assert.deepEqual(await sweepStaging(root, 'postgres'), [], 'who sleeps is alive');
    await dead.signal('SIGKILL');
    assert.deepEqual(await sweepStaging(root, 'postgres'), [path.basename(left)]);
    assert.deepEqual((await readdir(path.join(root, '.staging'))).toSorted(), [
      path.basename(mine.staging),
      'somebody-else',
    ]);
    assert.equal(await sealBackup({ ...mine, lease: await acquire(2) }), 'sealed');
    assert.deepEqual(await sweepStaging(path.join(root, 'not-there'), 'postgres'), []);
  });

  it('leaves alone what another host that shares it may still write, and sweeps what an earlier boot left of its own', async () => {
    const elsewhere = '~4711.99.00000000-0000-4000-8000-000000000000.4026531836';
    const other = path.join(root, '.staging', `${attemptName('web-1', 1)}${elsewhere}`);
    const own = path.join(root, '.staging', `${attemptName('web', 1)}${elsewhere}`);
    const old = new Date(Date.now() - 48 * 3_600_000);
    for (const folder of [other, own]) {
      await mkdir(folder, { recursive: true });
      await writeFile(path.join(folder, 'base.tar.zst.age'), 'half');
      await utimes(folder, old, old);
    }
    assert.deepEqual(await sweepStaging(root, 'web'), [path.basename(own)], 'a file in the other one grows still');
    await utimes(path.join(other, 'base.tar.zst.age'), old, old);
    assert.deepEqual(await sweepStaging(root, 'web'), [path.basename(other)]);
  });

  it('does not take a folder that is no backup for one', async () => {
    const seal = { ...(await staged('data')), lease: await acquire(1) };
    await mkdir(path.join(root, FOLDER), { recursive: true });
    await writeFile(path.join(root, FOLDER, 'note'), 'what is this?');
    await assert.rejects(sealBackup(seal), { code: 'conflict' });
    assert.deepEqual(await readdir(path.join(root, FOLDER)), ['note'], 'it is left');
    assert.equal((await readdir(seal.staging)).length, 3, 'and so is the staging, for the next attempt');
  });

  it('seals no folder without a manifest', async () => {
    const seal = { ...(await staged('data')), lease: await acquire(1) };
    await rm(path.join(seal.staging, 'manifest.json'));
    await assert.rejects(sealBackup(seal));
    assert.deepEqual(await readdir(root), ['.staging']);
  });

  it('links the latest, and never back to an older one', async () => {
    const link = path.join(root, 'daily/postgres/latest');
    const lease = await acquire(1);
    const [older, newer] = [await staged('old'), await staged('new', { scheduled: '2026-11-24T02:00:00Z' })];
    for (const seal of [older, newer]) await sealBackup({ ...seal, lease });
    await pointLatest(root, older.place);
    assert.equal(await readlink(link), '20261123T020000Z-full', 'relative');
    await pointLatest(root, newer.place);
    assert.equal(await readlink(link), '20261124T020000Z-full');
    await pointLatest(root, older.place);
    assert.equal(await readlink(link), '20261124T020000Z-full');
    assert.deepEqual(await folders(), [FOLDER, 'daily/postgres/20261124T020000Z-full'], 'the link is not listed');
    await rm(path.join(root, 'daily/postgres/20261124T020000Z-full'), { recursive: true });
    await pointLatest(root, older.place);
    assert.equal(await readlink(link), '20261123T020000Z-full', 'a link to nothing is put right');
  });

  it('follows no link out of itself when it lists', async () => {
    const elsewhere = await temporaryFolder();
    await fillFolder(path.join(elsewhere, '20261123T020000Z-full'), testBackup().manifest, {});
    await mkdir(path.join(root, 'daily'));
    await symlink(elsewhere, path.join(root, 'daily/postgres'));
    assert.deepEqual(await folders(), []);
  });

  it('keeps small records', async () => {
    const key = 'recovery-points/daily-2026-11-23T02:00:00Z.json';
    await repositoryStore(root).putSmall(key, Buffer.from('{}'), { replace: true });
    await repositoryStore(root).putSmall(key, Buffer.from('{"a":1}'), { replace: true });
    const bytes = await repositoryStore(root).readSmall(key);
    assert.equal(String(bytes), '{"a":1}');
  });

  it('asks for space before it is needed, with the numbers', async () => {
    const small = await smallFileSystem('8m');
    const below = path.join(small, 'not/there/yet');
    const free = await freeSpace(below);
    assert.ok(free > 7 * 2 ** 20 && free <= 8 * 2 ** 20, String(free));
    await requireSpace({ path: below, needed: free });
    await assert.rejects(requireSpace({ path: below, needed: 2 * free }), (error: BackupError) => {
      assert.equal(error.code, 'no-space');
      assert.deepEqual(error.facts, { path: below, free, needed: 2 * free, short: free });
      assert.match(error.message, /8\.0 MiB free, and 16\.0 MiB are needed/);
      return true;
    });
  });

  it('says so when it is read-only', async () => {
    root = await smallFileSystem('8m');
    const seal = { ...(await staged('data')), lease: await acquire(1) };
    remount(root, 'ro');
    await assert.rejects(createStaging(root, 'postgres-x'), { code: 'access-denied' });
    await assert.rejects(sealBackup(seal), { code: 'access-denied' });
    await assert.rejects(repositoryStore(root).putSmall('a', Buffer.from('x'), { replace: true }), {
      code: 'access-denied',
    });
    assert.deepEqual(await folders(), []);
  });
});
