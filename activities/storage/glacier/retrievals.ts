/** Jobs that bring archives back: asked for, hours later there, and a day after that gone again. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { DescribeJobCommandOutput, GlacierJobDescription } from '@aws-sdk/client-glacier';
import type { ArchiveFacts } from '../../../model/archive-record.ts';
import { BackupError } from '../../../model/errors.ts';
import { readMemoryFile, writeMemoryFile } from '../memory-file.ts';
import type { ThawOptions } from '../types.ts';
import { ifPresent, type Vault } from './vault.ts';

export interface Retrieval {
  readonly jobId: string;
  readonly state: 'thawing' | 'readable';
  /** When it was asked for. */
  readonly since: Date | undefined;
  /** Until when it can be read; undefined while it is not there. */
  readonly until: Date | undefined;
}

export interface Retrievals {
  /** The job by which an archive can be read, or soon; undefined where it must be asked for. */
  of(archive: ArchiveFacts): Promise<Retrieval | undefined>;
  /** Asks for an archive, whatever has been asked for before. @throws BackupError `not-found` where the vault has none such. */
  ask(archive: ArchiveFacts, options: Pick<ThawOptions, 'speed'>): Promise<void>;
}

/** Milliseconds that Glacier keeps the output of a job. */
export const KEPT_FOR = 24 * 3_600_000;

const TIERS = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' } as const;
const remembered = z.looseObject({ archiveId: z.string(), jobId: z.string() });

/** @param folder of this destination, in the host's state: jobs that this host has asked for. */
export function retrievalsOf(vault: Vault, folder: string): Retrievals {
  function fileOf(archiveId: string): string {
    return path.join(folder, `${createHash('sha256').update(archiveId).digest('hex').slice(0, 32)}.json`);
  }
  async function ours({ archiveId, bytes }: ArchiveFacts): Promise<Retrieval | undefined> {
    const known = await readMemoryFile(fileOf(archiveId), remembered);
    if (known?.archiveId !== archiveId) return undefined;
    const job = await describe(vault, known.jobId);
    return job?.ArchiveId === archiveId ? usable(vault, job, bytes) : undefined;
  }
  return {
    async of(archive) {
      const own = await ours(archive);
      if (own !== undefined) return own;
      // State was lost, or another host has asked for it.
      let found: Retrieval | undefined;
      for await (const job of jobsOf(vault)) {
        const one = job.ArchiveId === archive.archiveId ? usable(vault, job, archive.bytes) : undefined;
        if (one !== undefined && isBetter(one, found)) found = one;
      }
      return found;
    },
    async ask({ archiveId, key }, { speed }) {
      const jobParameters = { Type: 'archive-retrieval', ArchiveId: archiveId, Tier: TIERS[speed] };
      const asked = await vault.callOnce(
        { doing: `asking for ${key}`, right: 'glacier:InitiateJob' },
        (glacier, options) => ifPresent(glacier.initiateJob({ ...vault.names, jobParameters }, options)),
      );
      if (asked === undefined) throw deleted(vault, { archiveId, key });
      if (asked.jobId !== undefined) await writeMemoryFile(fileOf(archiveId), { archiveId, jobId: asked.jobId });
    },
  };
}

function deleted(
  { destination, config }: Vault,
  { archiveId, key }: Pick<ArchiveFacts, 'archiveId' | 'key'>,
): BackupError {
  return new BackupError(
    'not-found',
    `The archive of ${key} is not in the vault ${config.vault}, though it is on record: somebody has deleted it.`,
    {
      remedy: `See who may. Use another copy; mosaic-backup copies inventory ${destination} says what else is missing, and with --record strikes it off: what it is not needed for can be restored then.`,
      facts: { destination, vault: config.vault, key, archiveId },
    },
  );
}

async function describe(vault: Vault, jobId: string): Promise<DescribeJobCommandOutput | undefined> {
  return vault.call({ doing: 'asking for the state of a job', right: 'glacier:DescribeJob' }, (glacier, options) =>
    ifPresent(glacier.describeJob({ ...vault.names, jobId }, options)),
  );
}

/** Jobs that are under way or were done lately, of all hosts. */
export async function* jobsOf(vault: Vault): AsyncGenerator<GlacierJobDescription> {
  const doing = { doing: 'looking for jobs', right: 'glacier:ListJobs' };
  for (let marker: string | undefined = ''; marker !== undefined;) {
    const from: object = marker === '' ? {} : { marker };
    const page = await vault.call(doing, (glacier, options) => glacier.listJobs({ ...vault.names, ...from }, options));
    yield* page.JobList ?? [];
    marker = page.Marker ?? undefined;
  }
}

/** One that has failed, is over, or brings a part alone is none. */
function usable(vault: Vault, job: GlacierJobDescription, bytes: number): Retrieval | undefined {
  const { JobId: jobId, Action, StatusCode, RetrievalByteRange: range } = job;
  if (jobId === undefined || Action !== 'ArchiveRetrieval') return undefined;
  if (typeof range === 'string' && range !== `0-${bytes - 1}`) return undefined;
  const since = dateOf(job.CreationDate);
  if (StatusCode === 'InProgress') return { jobId, state: 'thawing', since, until: undefined };
  const done = dateOf(job.CompletionDate);
  if (StatusCode !== 'Succeeded' || done === undefined) return undefined;
  const until = new Date(done.getTime() + KEPT_FOR);
  return until.getTime() > vault.now() ? { jobId, state: 'readable', since, until } : undefined;
}

/** What can be read, for as long as possible, goes before what is under way. */
function isBetter(one: Retrieval, other: Retrieval | undefined): boolean {
  if (other === undefined) return true;
  return (one.until?.getTime() ?? 0) > (other.until?.getTime() ?? 0);
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
