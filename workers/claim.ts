/**
 * A worker's claim to its host: the config fits the state folder and the repository, and no other worker of the host runs on
 * this machine. Two would do each step once as well, but with twice the slots; and what a worker of another site did here would be the wrong site's.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Site } from '../activities/site.ts';
import { errnoOf } from '../activities/storage/fs-errors.ts';
import { acquireLease, type Lease } from '../activities/storage/lease.ts';
import { readMemoryFile, writeMemoryFile } from '../activities/storage/memory-file.ts';
import { requireOwnRepository } from '../activities/storage/repository.ts';
import { BackupError } from '../model/errors.ts';

export interface Claim {
  /** Rejects when another worker has taken the host over: this process was stopped (SIGSTOP, a frozen machine), and woke. */
  readonly lost: Promise<never>;
  /** @throws BackupError `busy` when it was lost. */
  requireHeld(): void;
  release(): Promise<void>;
}

/** No source can bear this name. */
const NAME = '.worker';
/** Milliseconds between two looks whether the claim still stands. */
const LOOK = 5_000;

const owner = z.looseObject({ site: z.string(), host: z.string() });

/**
 * @throws BackupError `refused` when state or repository are of another site or host, `busy` when a worker of this host runs
 * already.
 */
export async function claimHost(site: Site): Promise<Claim> {
  return watched(site, await claimIfRoom(site));
}

/** A disk that is full keeps no worker from starting: its steps say so, and wait until there is room. The claim waits too. */
async function claimIfRoom(site: Site): Promise<Lease | undefined> {
  try {
    return await claim(site);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'no-space') return undefined;
    throw error;
  }
}

async function claim(site: Site): Promise<Lease> {
  const isNew = await requireOwnState(site);
  await requireOwnRepository(site);
  if (isNew) await writeMemoryFile(ownerFile(site), { site: site.config.site, host: site.host });
  return acquire(site);
}

/** @returns true where no worker has ever started on it. */
async function requireOwnState(site: Site): Promise<boolean> {
  const { config, host, state, file } = site;
  const found = await readMemoryFile(ownerFile(site), owner);
  if (found === undefined) return true;
  if (found.site !== config.site) {
    throw new BackupError(
      'refused',
      `the state folder ${state} is of the site "${found.site}", and ${file} is of "${config.site}"`,
      {
        remedy: `Give each site a state folder of its own ("state" in ${file}). If the site was called "${found.site}" before, its backups bear that name: keep it, or begin with an empty state folder and repository.`,
        facts: { state, site: found.site },
      },
    );
  }
  if (found.host !== host) {
    throw new BackupError('refused', `the state folder ${state} is of the host "${found.host}", not of "${host}"`, {
      remedy: `Start it as "${found.host}" (--host or MOSAIC_BACKUP_HOST), or give "${host}" a folder of its own (hosts.${host}.state). If the host was only renamed: rm ${ownerFile(site)}`,
      facts: { state, host: found.host },
    });
  }
  return false;
}

function ownerFile({ state }: Site): string {
  return path.join(state, 'worker.json');
}

/** A holder that is stopped does nothing: its work is taken up, and it ends itself when it wakes. */
async function acquire({ state, host }: Site): Promise<Lease> {
  const request = { state, name: NAME, step: 'worker', wait: 0, signal: new AbortController().signal };
  try {
    return await acquireLease({ ...request, attempt: 1 });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'busy') throw error;
    const pid = Number(error.facts['pid']);
    // A later attempt takes over from an earlier one, whoever that is.
    if (await isStopped(pid)) return acquireLease({ ...request, attempt: Date.now() });
    throw new BackupError(
      'busy',
      `a worker of the host "${host}" runs here already (process ${pid}, since ${String(error.facts['since'])})`,
      {
        remedy: 'Use the running one, or stop it first: systemctl status mosaic-backup-up mosaic-backup-worker.',
        facts: { pid },
        cause: error,
      },
    );
  }
}

/** proc(5): the state behind the name, which may hold anything. */
async function isStopped(pid: number): Promise<boolean> {
  try {
    return /\) T [^)]*$/.test(await readFile(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    // It has ended since, or is in another pid namespace.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

function watched(site: Site, first: Lease | undefined): Claim {
  const lost = Promise.withResolvers<never>();
  let lease = first;
  let loss: BackupError | undefined;
  // Until somebody waits for it, it is no unhandled failure.
  lost.promise.catch(() => undefined);
  const looking = setInterval(() => void look(), LOOK).unref();
  return {
    lost: lost.promise,
    requireHeld() {
      if (loss) throw loss;
    },
    release: async () => {
      clearInterval(looking);
      await lease?.release();
    },
  };

  async function look(): Promise<void> {
    try {
      if (lease) await lease.check();
      else lease = await claim(site);
    } catch (error) {
      if (!(error instanceof BackupError)) return;
      if (error.code === 'busy' || (error.code === 'lease-lost' && !error.retryable)) lose(error);
      // Vanished with the state folder: claimed anew at the next look. A disk that is away or full takes nobody's claim.
      else if (error.code === 'lease-lost') lease = undefined;
    }
  }

  function lose(cause: Error): void {
    loss = new BackupError('busy', `another worker of the host "${site.host}" took over while this one did not run`, {
      remedy: 'Nothing needs to be done: the other one carries on.',
      cause,
    });
    lost.reject(loss);
  }
}
