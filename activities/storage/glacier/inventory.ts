/**
 * The vault's own list of its archives: a job of hours, over what was there a day ago. It alone shows an archive that has no
 * record, which an attempt left that died, and a record whose archive somebody has deleted.
 */
import { buffer } from 'node:stream/consumers';
import type { GlacierJobDescription } from '@aws-sdk/client-glacier';
import { z } from 'zod';
import type { ArchiveFacts } from '../../../model/archive-record.ts';
import { BackupError } from '../../../model/errors.ts';
import { isKey } from '../../../model/paths.ts';
import { parseRecord } from '../record.ts';
import type { Inventory, InventoryReport, InventoryState, UnrecordedArchive } from '../types.ts';
import { parseDescription } from './description.ts';
import type { Reading } from './read.ts';
import { CLOCKS_DIFFER, isOfFuture } from './records.ts';
import { jobsOf, KEPT_FOR } from './retrievals.ts';
import type { Vault } from './vault.ts';

const archive = z.looseObject({
  ArchiveId: z.string(),
  ArchiveDescription: z.string(),
  CreationDate: z.iso.datetime({ offset: true }),
  Size: z.number(),
  SHA256TreeHash: z.string(),
});
type Archive = z.output<typeof archive>;
const output = z.looseObject({ InventoryDate: z.iso.datetime({ offset: true }), ArchiveList: z.array(archive) });

export function inventoryOf(reading: Pick<Reading, 'vault' | 'records'>): Inventory {
  const { vault, records } = reading;
  return {
    async ask() {
      const [job] = await inventoryJobs(vault);
      if (job?.StatusCode === 'InProgress') return;
      await vault.callOnce({ doing: 'asking for an inventory', right: 'glacier:InitiateJob' }, (glacier, options) =>
        glacier.initiateJob(
          { ...vault.names, jobParameters: { Type: 'inventory-retrieval', Format: 'JSON' } },
          options,
        ),
      );
    },
    async look() {
      const jobs = await inventoryJobs(vault);
      const done = jobs.find(({ StatusCode }) => StatusCode === 'Succeeded');
      if (done?.JobId !== undefined) return compare(reading, await outputOf(vault, done.JobId));
      const [waiting] = jobs;
      if (waiting === undefined) return { state: 'none' };
      return { state: 'waiting', ...(waiting.CreationDate && { since: new Date(waiting.CreationDate) }) };
    },
    async record({ extra, missing }) {
      const ours = extra.flatMap((each) => recordOf(vault, each) ?? []);
      for (const each of ours) await records.add(each, {});
      const gone = new Set(missing.map(({ archiveId }) => archiveId));
      const struck = (await records.all()).filter(({ archiveId }) => gone.has(archiveId));
      for (const each of struck) await records.strikeOff(each);
      return { added: ours.length, struckOff: struck.length };
    },
  };
}

/** Those that are under way or can still be read, the newest first. */
async function inventoryJobs(vault: Vault): Promise<readonly GlacierJobDescription[]> {
  const found: GlacierJobDescription[] = [];
  for await (const job of jobsOf(vault)) {
    if (job.Action !== 'InventoryRetrieval' || job.StatusCode === 'Failed' || !isWhole(job)) continue;
    const done = job.CompletionDate === undefined ? Number.NaN : Date.parse(job.CompletionDate);
    if (job.StatusCode === 'InProgress' || vault.now() - done < KEPT_FOR) found.push(job);
  }
  return found.toSorted((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
}

/** Whoever else may ask for one can ask for a part of it, or in another form: all else would be missing then. */
function isWhole({ InventoryRetrievalParameters: of }: GlacierJobDescription): boolean {
  // What is not set comes as null.
  const parts = [of?.StartDate, of?.EndDate, of?.Limit, of?.Marker];
  return parts.every((part) => (part ?? '') === '') && (of?.Format ?? 'JSON') === 'JSON';
}

async function outputOf(vault: Vault, jobId: string) {
  const doing = { doing: 'reading the inventory', right: 'glacier:GetJobOutput' };
  const bytes = await vault.call(doing, async (glacier, options) => {
    const { body } = await glacier.getJobOutput({ ...vault.names, jobId }, options);
    return buffer(body as AsyncIterable<Uint8Array>); // in Node it is a stream of bytes
  });
  try {
    return parseRecord(bytes, output, `inventory of ${vault.config.vault}`);
  } catch (cause) {
    throw new BackupError('failed', `The inventory of the vault ${vault.config.vault} is not as Amazon describes it.`, {
      remedy: 'Ask for another one.',
      facts: { destination: vault.destination },
      cause,
    });
  }
}

async function compare(
  { vault, records }: Pick<Reading, 'vault' | 'records'>,
  list: z.output<typeof output>,
): Promise<InventoryState> {
  const taken = new Date(list.InventoryDate);
  const known = await records.all();
  const recorded = new Set(known.map(({ archiveId }) => archiveId));
  const there = new Map(list.ArchiveList.map((each) => [each.ArchiveId, each]));
  // What was stored after the list was made cannot be on it.
  const isOlder = (record: ArchiveFacts) =>
    Date.parse(record.uploaded) < taken.getTime() - CLOCKS_DIFFER || isOfFuture(record);
  const report: InventoryReport = {
    taken,
    archives: list.ArchiveList.length,
    bytes: list.ArchiveList.reduce((sum, { Size }) => sum + Size, 0),
    missing: known
      .filter((record) => !there.has(record.archiveId) && isOlder(record))
      .map(({ key, archiveId }) => ({ key, archiveId })),
    different: known.flatMap((record) => differences(vault, record, there.get(record.archiveId))),
    extra: list.ArchiveList.filter(({ ArchiveId }) => !recorded.has(ArchiveId)).map((each) => extraOf(vault, each)),
  };
  return { state: 'ready', report };
}

function differences(vault: Vault, record: ArchiveFacts, there: Archive | undefined): InventoryReport['different'] {
  if (there === undefined) return [];
  const { key, archiveId } = record;
  if (there.Size !== record.bytes || there.SHA256TreeHash !== record.treeHash) {
    const found = `${there.Size} bytes with the tree hash ${there.SHA256TreeHash}, not ${record.bytes} with ${record.treeHash}`;
    return [{ key, archiveId, found }];
  }
  // Nobody can change what it was described as when it was stored; whoever may write can put a record.
  const { of } = extraOf(vault, there);
  if (of === null || (of.key === key && of.sha256 === record.sha256)) return [];
  return [{ key, archiveId, found: `it was stored as ${of.key} with the SHA-256 ${of.sha256}` }];
}

function extraOf({ site }: Vault, each: Archive): UnrecordedArchive {
  const description = parseDescription(each.ArchiveDescription);
  const isOurs = description !== undefined && description.site === site && isKey(description.key);
  return {
    archiveId: each.ArchiveId,
    bytes: each.Size,
    treeHash: each.SHA256TreeHash,
    created: each.CreationDate,
    of: isOurs ? { key: description.key, sha256: description.sha256 } : null,
  };
}

/** Undefined for an archive that is none of ours. */
function recordOf(vault: Vault, { of, archiveId, bytes, treeHash, created }: UnrecordedArchive) {
  if (of === null) return undefined;
  const uploaded = new Date(created).toISOString();
  return { site: vault.site, ...of, vault: vault.config.vault, archiveId, bytes, treeHash, uploaded };
}
