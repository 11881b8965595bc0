/** Disks that are full or read-only: the step fails and says so, nothing half is left, and with space the run goes on. */
import assert from 'node:assert/strict';
import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { remount, smallFileSystem } from '../../support/folders.ts';
import type { Scenario } from '../scenario.ts';
import { requireComplete, requireSound } from '../sound.ts';
import type { Trial } from '../trial.ts';

/** Big enough for a repository: 64 MiB are kept free. */
const REPOSITORY = '100m';
const BALLAST = 'ballast';

export const storage: readonly Scenario[] = [
  {
    kind: 'disk full',
    title: "P42 the repository's, in the middle of a capture (stack)",
    sources: ['stack'],
    everyTime: true,
    site: smallRepository,
    async play(trial) {
      const point = { at: 'activities/streams/write.ts#writeStream', signal: 'SIGSTOP' } as const;
      const worker = await trial.worker(point);
      const run = await trial.run();
      await trial.at(worker, point);
      const disk = path.dirname(trial.repository);
      await fillUp(disk, 512 * 1024);
      worker.kill('SIGCONT');
      const { message, remedy } = await run.failure('stack');
      // Stopped for longer than its heartbeat, by a disk that is busy, it is another attempt that says so, before it begins.
      assert.match(message, /disk is full|is full|no space|free, and .* needed/i);
      assert.match(remedy, /free/i);
      await requireNothing(trial);
      await rm(path.join(disk, BALLAST));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on once there was space';
    },
  },
  {
    kind: 'disk full',
    title: "the repository's, before a capture: not even begun (stack)",
    sources: ['stack'],
    site: smallRepository,
    async play(trial) {
      await fillUp(path.dirname(trial.repository), 8 * 2 ** 20);
      await trial.worker();
      const run = await trial.run();
      const { message, remedy } = await run.failure('stack');
      assert.match(message, /free/);
      assert.match(remedy, /Free at least/);
      await requireNothing(trial);
      await rm(path.join(path.dirname(trial.repository), BALLAST));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on once there was space';
    },
  },
  {
    kind: 'disk full',
    title: "the destination's, before a copy: partial at its deadline, the same time again makes it up (stack)",
    sources: ['stack'],
    site: async (lab) => ({ ...(await smallVault(lab)), plans: { daily: IMPATIENT } }),
    async play(trial) {
      await fillUp(trial.vault, 512 * 1024);
      await trial.worker();
      const report = await (await trial.run()).report();
      assert.equal(report.outcome, 'partial');
      const [error] = report.sources[0]?.errors ?? [];
      assert.equal(error?.step, 'copy to vault');
      assert.equal(error?.code, 'no-space', JSON.stringify(error));
      assert.match(error?.remedy ?? '', /Free at least/);
      await rm(path.join(trial.vault, BALLAST));
      requireComplete(await (await trial.run()).report());
      await requireSound(trial, 1);
      return 'partial, said so; made up for later';
    },
  },
  {
    kind: 'disk full',
    title: "the destination's, in the middle of a copy (stack)",
    sources: ['stack'],
    site: smallVault,
    async play(trial) {
      const point = { at: 'activities/storage/put-file.ts#putFile', signal: 'SIGSTOP' } as const;
      const worker = await trial.worker(point);
      const run = await trial.run();
      await trial.at(worker, point);
      await fillUp(trial.vault, 512 * 1024);
      worker.kill('SIGCONT');
      const { message, remedy } = await run.failure('stack');
      assert.match(message, /disk is full|free/);
      assert.match(remedy, /free/i);
      await rm(path.join(trial.vault, BALLAST));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on once there was space';
    },
  },
  {
    kind: 'disk full',
    title: "the state's, before a capture (stack)",
    sources: ['stack'],
    site: async () => ({ state: path.join(await smallFileSystem('4m'), 'state') }),
    async play(trial) {
      await fillUp(path.dirname(trial.state), 0);
      await trial.worker();
      const run = await trial.run();
      const { message, remedy } = await run.failure('stack');
      assert.match(message, /disk is full/);
      assert.match(remedy, /Free space/);
      await requireNothing(trial);
      await rm(path.join(path.dirname(trial.state), BALLAST));
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on once there was space';
    },
  },
  readOnly('before a run', true),
  {
    kind: 'read-only',
    title: 'the repository, between staging and the first stream (stack)',
    sources: ['stack'],
    site: smallRepository,
    async play(trial) {
      // Nothing is open for writing yet: the kernel would refuse to make it read-only.
      const point = { at: 'activities/storage/repository.ts#createStaging', when: 'left', signal: 'SIGSTOP' } as const;
      const worker = await trial.worker(point);
      const run = await trial.run();
      await trial.at(worker, point);
      remount(path.dirname(trial.repository), 'ro');
      worker.kill('SIGCONT');
      await requireSaysReadOnly(run);
      // What the attempt made cannot be removed while nothing can be written; it goes with the next.
      await requireNoneListed(trial);
      remount(path.dirname(trial.repository), 'rw');
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on when it was writable';
    },
  },
  {
    kind: 'read-only',
    title: 'the destination, before a copy (stack)',
    sources: ['stack'],
    site: smallVault,
    async play(trial) {
      remount(trial.vault, 'ro');
      await trial.worker();
      const run = await trial.run();
      await requireSaysReadOnly(run);
      remount(trial.vault, 'rw');
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on when it was writable';
    },
  },
];

/** The deadline comes soon. */
const IMPATIENT = { copyDeadline: '4s', retryFirst: '100ms', retryMax: '500ms', heartbeat: '10s' };

function readOnly(when: string, everyTime: boolean): Scenario {
  return {
    kind: 'read-only',
    title: `the repository, ${when} (stack)`,
    sources: ['stack'],
    everyTime,
    site: smallRepository,
    async play(trial) {
      const disk = path.dirname(trial.repository);
      remount(disk, 'ro');
      await trial.worker();
      const run = await trial.run();
      await requireSaysReadOnly(run);
      remount(disk, 'rw');
      requireComplete(await run.report());
      await requireSound(trial, 1);
      return 'said so; went on when it was writable';
    },
  };
}

async function requireSaysReadOnly(run: Awaited<ReturnType<Trial['run']>>): Promise<void> {
  const { message, remedy } = await run.failure('stack');
  assert.match(message, /read-only/i);
  assert.match(remedy, /mount it read-write/);
}

async function smallRepository(): Promise<{ readonly repository: string }> {
  return { repository: path.join(await smallFileSystem(REPOSITORY), 'repository') };
}

async function smallVault(_lab: unknown) {
  return { destinations: { vault: { type: 'directory' as const, path: await smallFileSystem('40m') } } };
}

/** Leaves so many bytes of a file system free. */
async function fillUp(folder: string, left: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  await writeFile(path.join(folder, BALLAST), Buffer.alloc(Math.max(0, bavail * bsize - left)));
}

/** The host's own source is small enough to find room. */
async function requireNoneListed({ repository, sources }: Trial): Promise<void> {
  const listed = await listBackups(repositoryStore(repository));
  assert.deepEqual(
    listed.filter(({ name }) => sources.some((source) => source === name.source)),
    [],
  );
}

async function requireNothing(trial: Trial): Promise<void> {
  await requireNoneListed(trial);
  const staging = await readdir(path.join(trial.repository, '.staging')).catch(() => []);
  assert.deepEqual(staging, [], 'nothing half is left');
}
