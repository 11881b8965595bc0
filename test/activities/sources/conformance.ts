/**
 * What every source type must do, against a real source: its test file calls `describeSource` with a fixture.
 * Runs through the operations that workers and the command line use, on a site of its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { entriesOf } from '../../../activities/operations/browse/entries.ts';
import { listed } from '../../../activities/operations/browse/listing.ts';
import { captureBackup } from '../../../activities/operations/capture.ts';
import { openBackup } from '../../../activities/operations/reader.ts';
import { proveBackup, restoreBackup } from '../../../activities/operations/restore.ts';
import { verifyBackup } from '../../../activities/operations/verify.ts';
import type { Site } from '../../../activities/site.ts';
import { type Catalogued, chainOf, listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import type { CapturedBackup } from '../../../model/run.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite } from '../../support/site.ts';
import { underServiceUmask } from '../../support/umask.ts';
import { testWork } from '../../support/work.ts';

type SourceInput = SiteInput['sources'][string];

/** A real source that runs while the suite does. */
export interface LiveSource {
  readonly config: SourceInput;
  /** The program that reads it, and that the suite kills: `tar`. */
  readonly producer: string;
  /** What is in its arguments, where other children have the same name. */
  readonly producerArgument?: string;
  /** At most so many bytes a second make a capture long enough to be met in its middle, and not much longer: `2MB`. */
  readonly slowRate: string;
  /** Changes the source so that another backup of it is another one. */
  mutate(): Promise<void>;
  /** Fails unless what was restored is the source as it is now. */
  compare(restored: string): Promise<void>;
  /** Fails unless the inventory's lines (without its header) name all that the source has. */
  compareInventory(lines: readonly string[]): Promise<void>;
  /** Checks that the programs at hand cannot make; they must be said to be not made. None when absent. */
  readonly cannot?: readonly string[];
  /** What an attempt has left running where the suite does not see it: inside a container. */
  leftRunning?(): Promise<readonly string[]>;
  /** Ends what it started. */
  end(): Promise<void>;
}

export interface SourceFixture {
  readonly name: string;
  /** Makes the source; it may use the (empty) folder. */
  readonly make: (folder: string) => Promise<LiveSource>;
}

/** Runs the suite for a source type. */
export function describeSource({ name, make }: SourceFixture): void {
  describe(`a source: ${name}`, () => {
    let site: Site;
    let live: LiveSource;
    /** Processes of the source itself. */
    let standing: readonly number[];
    let folder: string;
    let minute = 0;

    before(async () => {
      folder = await temporaryFolder();
      const sourceFolder = path.join(folder, 'source');
      await mkdir(sourceFolder, { mode: 0o755 });
      live = await make(sourceFolder);
      standing = (await children()).map(({ pid }) => pid);
      const slow = { ...live.config, limits: { maxRate: live.slowRate } };
      ({ site } = await makeSite({ folder, sources: { subject: live.config, slow } }));
    });

    after(async () => {
      await live.end();
      await cleanUp();
    });

    function nextTime(): string {
      minute += 1;
      return new Date(Date.UTC(2026, 10, 23, 2, minute)).toISOString().replace('.000Z', 'Z');
    }

    function capture(source: string, scheduled = nextTime(), work = testWork()): Promise<CapturedBackup> {
      return captureBackup({
        site,
        source,
        tier: 'daily',
        runId: `daily-${scheduled}`,
        scheduled,
        attempt: 1,
        busy: 0,
        work,
      });
    }

    async function restore(backup: Catalogued, to: string, repository = site.repository): Promise<void> {
      const store = repositoryStore(repository);
      const chain = chainOf(await catalogueOf(repository), backup);
      await restoreBackup({ site, store, chain, to, paths: [], work: testWork() });
    }

    async function verdict(backup: Catalogued, repository = site.repository): Promise<string> {
      const catalogue = await catalogueOf(repository);
      const store = repositoryStore(repository);
      const result = await verifyBackup({ site, store, destinationName: null, backup, catalogue, work: testWork() });
      return result.verdict;
    }

    /** A copy of the repository in which the newest backup's artifacts have been damaged. */
    async function damagedRepository(damage: (file: string) => Promise<void>): Promise<string> {
      const copy = path.join(folder, `damaged-${nextTime().replaceAll(':', '')}`);
      await cp(site.repository, copy, { recursive: true, verbatimSymlinks: true });
      const { folder: key, manifest } = newest(await catalogueOf(copy), 'subject');
      const base = manifest.artifacts.find(({ role }) => role === 'base') ?? manifest.artifacts[0];
      assert.ok(base);
      await damage(path.join(copy, key, base.name));
      return copy;
    }

    async function assertNothingRestores(repository: string): Promise<void> {
      const to = path.join(folder, 'never');
      const backup = newest(await catalogueOf(repository), 'subject');
      assert.equal(await verdict(backup, repository), 'failed');
      await assert.rejects(restore(backup, to, repository), withCode('verification-failed'));
      assert.deepEqual(
        (await readdir(folder)).filter((entry) => entry.includes('never')),
        [],
      );
    }

    it('is captured, verified and restored, and what is restored equals the source', async () => {
      const captured = await capture('subject');
      assert.equal(captured.kind, 'full');
      assert.equal(captured.partial, false, captured.warnings.join('; '));
      const backup = newest(await catalogueOf(site.repository), 'subject');
      assert.equal(await verdict(backup), 'ok');
      const store = repositoryStore(site.repository);
      const held = await entriesOf(await openBackup({ site, store, backup, work: testWork() }));
      assert.ok(listed(held, '/', false).length > 0, 'it can be browsed');
      const to = path.join(folder, 'restored');
      await restore(backup, to);
      await live.compare(to);
    });

    it('has an inventory that names all of it', async () => {
      const backup = newest(await catalogueOf(site.repository), 'subject');
      const reader = await openBackup({ site, store: repositoryStore(site.repository), backup, work: testWork() });
      const lines: string[] = [];
      for await (const line of reader.lines('inventory')) lines.push(line);
      const header: unknown = JSON.parse(lines.shift() ?? '');
      assert.partialDeepStrictEqual(header, {
        schema: 'mosaic-backup/inventory@1',
        source: 'subject',
        type: live.config.type,
      });
      await live.compareInventory(lines);
    });

    it('is captured again after a change, and the newer backup restores the changed source', async () => {
      await live.mutate();
      await capture('subject');
      const backup = newest(await catalogueOf(site.repository), 'subject');
      const to = path.join(folder, 'restored-again');
      await restore(backup, to);
      await live.compare(to);
    });

    it('is proven by a restore into scratch, of which nothing stays', async () => {
      const catalogue = await catalogueOf(site.repository);
      const chain = chainOf(catalogue, newest(catalogue, 'subject'));
      const within = path.join(folder, 'proof');
      const store = repositoryStore(site.repository);
      const checks = await underServiceUmask(() => proveBackup({ site, store, chain, within, work: testWork() }));
      const { cannot = [] } = live;
      assert.deepEqual(
        checks.filter(({ ok, name }) => !ok && !cannot.includes(name)),
        [],
      );
      assert.ok(checks.every(({ name, compared }) => !compared || !cannot.includes(name)));
      assert.ok(checks.some(({ compared }) => compared));
      assert.deepEqual(await readdir(within), []);
    });

    it('P40 a flipped byte fails verification and promotes no file', async () => {
      await assertNothingRestores(await damagedRepository(flipByte));
    });

    it('P40 a truncated artifact fails verification and promotes no file', async () => {
      await assertNothingRestores(await damagedRepository(cutInHalf));
    });

    it('P49 the same scheduled time again gives the backup that is there', async () => {
      const scheduled = nextTime();
      const first = await capture('subject', scheduled);
      const before = (await catalogueOf(site.repository)).length;
      const again = await capture('subject', scheduled);
      assert.equal(again.existed, true);
      assert.deepEqual(again.backup, first.backup);
      assert.equal((await catalogueOf(site.repository)).length, before);
    });

    it('P50 is not restored into a folder that is not empty', async () => {
      const to = path.join(folder, 'occupied');
      await mkdir(to);
      await writeFile(path.join(to, 'precious'), 'data');
      const backup = newest(await catalogueOf(site.repository), 'subject');
      await assert.rejects(restore(backup, to), withCode('not-empty'));
      assert.deepEqual(await readdir(to), ['precious']);
    });

    it('P42 leaves nothing when the program that reads it is killed halfway', async () => {
      const running = capture('slow');
      const failed = assert.rejects(running, withCode('program-failed'));
      process.kill(await childOf(live, failed), 'SIGKILL');
      await failed;
      await assertNothingLeft(site, standing);
      assert.deepEqual((await live.leftRunning?.()) ?? [], []);
    });

    it('leaves nothing when it is cancelled', async () => {
      const work = testWork();
      const running = capture('slow', nextTime(), work);
      const failed = assert.rejects(running, withCode('aborted'));
      await childOf(live, failed);
      work.abort();
      await failed;
      await assertNothingLeft(site, standing);
      assert.deepEqual((await live.leftRunning?.()) ?? [], []);
    });
  });
}

function catalogueOf(repository: string): Promise<readonly Catalogued[]> {
  return listBackups(repositoryStore(repository));
}

function newest(catalogue: readonly Catalogued[], source: string): Catalogued {
  const own = catalogue.filter((entry) => entry.name.source === source);
  const last = own.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
  assert.ok(last, `no backup of ${source}`);
  return last;
}

function withCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BackupError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

async function flipByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(file, bytes);
}

async function cutInHalf(file: string): Promise<void> {
  await truncate(file, Math.floor((await readFile(file)).length / 2));
}

/** No backup of the slow source, no staging, no child. */
async function assertNothingLeft(site: Site, standing: readonly number[]): Promise<void> {
  const entries = await listBackups(repositoryStore(site.repository));
  assert.deepEqual(
    entries.filter((entry) => entry.folder.includes('/slow/')),
    [],
  );
  assert.deepEqual(await readdir(path.join(site.repository, '.staging')), []);
  assert.deepEqual(
    (await children()).filter(({ pid }) => !standing.includes(pid)),
    [],
  );
}

/**
 * Waits for a child of this process with that name, and until it works: one that ends at once is a short command of the
 * same program. What must not end before is awaited as well.
 */
async function childOf(
  { producer: name, producerArgument = '' }: LiveSource,
  meanwhile: Promise<void>,
): Promise<number> {
  const state = { ended: false };
  void meanwhile.finally(() => (state.ended = true)).catch(() => undefined);
  for (let waited = 0; waited < 45_000 && !state.ended; waited += 20) {
    const named = (await children()).filter((child) => child.name === name);
    const found = named.find(({ pid }) => argumentsOf(pid).includes(producerArgument));
    if (found) {
      await sleep(300);
      if ((await nameOf(found.pid)) === name) return found.pid;
    }
    await sleep(20);
  }
  await meanwhile;
  throw new Error(`no child ${name} was met`);
}

async function children(): Promise<readonly { readonly pid: number; readonly name: string }[]> {
  const pids = (await readFile(`/proc/self/task/${process.pid}/children`, 'utf8'))
    .split(' ')
    .filter(Boolean)
    .map(Number);
  const found = await Promise.all(pids.map(async (pid) => ({ pid, name: await nameOf(pid) })));
  return found.filter(({ name }) => name !== '');
}

function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

async function nameOf(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/comm`, 'utf8')).trim();
  } catch {
    // It has ended meanwhile.
    return '';
  }
}
