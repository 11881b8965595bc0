/** Ourselves: a capture from lease to seal, in a process that is like a worker. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { listBackups } from '../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../activities/storage/repository.ts';
import { DEFAULT_COMPRESSION } from '../../../activities/streams/compression.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import { makeSite, type TestSite } from '../../support/site.ts';
import { startWorkerProcess, type WorkerProcess } from '../capture/worker-process.ts';
import { shell } from '../shell.ts';
import { folderBytes } from '../folder-bytes.ts';
import type { Contender } from './types.ts';

export const OURS = 'mosaic-backup';

/** Backups are opened as docs/open-a-backup.md says, with standard programs. */
const OPEN = 'age -d -i "$IDENTITY" key.age > "$WORK/key"; age -d -i "$WORK/key" "$ARTIFACT.zst.age" | zstd -d';

export interface OursOptions {
  readonly name?: string;
  readonly source: SiteInput['sources'][string];
  /** A folder that does not exist yet. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** `base.tar` where it says nothing else. */
  readonly artifact?: 'base.tar' | 'base.xbstream';
  /** A shell command that judges the archive on its stdin. */
  readonly check: string;
  readonly signal: AbortSignal;
  /** Backups stay, and what is measured is an incremental on the one before, which the same worker took. */
  readonly lasting?: boolean;
}

export function ours(options: OursOptions): Contender {
  const { name = OURS, source, folder, env, artifact: ARTIFACT = 'base.tar', signal, lasting = false } = options;
  const work = path.join(folder, name.replaceAll(/[^\w]+/g, '-'));
  let site: TestSite | undefined;
  let worker: WorkerProcess | undefined;
  let minute = 0;

  async function capture() {
    if (!worker) throw new TypeError('not prepared');
    const scheduled = new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString().replace('.000', '');
    const timed = await worker.capture({ source: 'data', scheduled });
    assert.deepEqual(timed.captured.warnings, [], 'a capture with warnings proves nothing');
    return timed;
  }

  return {
    name,
    settings: `the shipped defaults: captureBackup with zstd -${DEFAULT_COMPRESSION.level} -T${DEFAULT_COMPRESSION.threads}, from reading the config to the synced seal`,
    async prepare() {
      if (!site) {
        await mkdir(work, { recursive: true, mode: 0o700 });
        site = await makeSite({ folder: work, sources: { data: source } });
      }
      worker = await startWorkerProcess(site.file, signal);
      // As in service: the worker that takes a backup took the one before.
      if (lasting) await capture();
    },
    async run() {
      const before = await folderBytes(repository(site));
      const { seconds, captured, memory } = await capture();
      assert.equal(captured.kind, lasting ? 'incremental' : 'full');
      const stored = (await folderBytes(repository(site))) - before;
      return { seconds, stored, worker: memory.own, programs: memory.children };
    },
    async check() {
      if (!site) throw new TypeError('not prepared');
      const backups = await listBackups(repositoryStore(repository(site)));
      const newest = backups.toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled)).at(-1);
      assert.ok(newest, 'no backup is in the repository');
      const command = `cd "$BACKUP"; ${OPEN} | ${options.check}`;
      const BACKUP = path.join(repository(site), newest.folder);
      await shell(command, { env: { ...env, WORK: work, BACKUP, ARTIFACT, IDENTITY: site.identities[0] }, signal });
    },
    async clear() {
      await worker?.stop();
      worker = undefined;
      if (lasting) return;
      site = undefined;
      await rm(work, { recursive: true, force: true });
    },
  };
}

function repository(site: TestSite | undefined): string {
  if (!site) throw new TypeError('not prepared');
  return site.site.repository;
}
