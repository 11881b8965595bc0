/** Reading of archives: what was asked for and is there. */
import { Readable } from 'node:stream';
import type { ArchiveFacts } from '../../../model/archive-record.ts';
import { timesOf } from '../../../model/config/destinations/thaw.ts';
import { BackupError } from '../../../model/errors.ts';
import { digestOf } from '../../streams/digest.ts';
import type { Work } from '../../work.ts';
import { continued } from '../aws/continued.ts';
import { isEqual } from '../damaged-file.ts';
import type { Stored, Thawing, ThawState } from '../types.ts';
import type { Records } from './records.ts';
import type { Retrieval, Retrievals } from './retrievals.ts';
import { ifPresent, type Vault } from './vault.ts';

export interface Reading {
  readonly vault: Vault;
  readonly records: Records;
  readonly retrievals: Retrievals;
}

interface Found {
  readonly archive: ArchiveFacts;
  /** Undefined: it is frozen. */
  readonly retrieval: Retrieval | undefined;
}

/** Always the one archive that counts, even where an older one could be read at once: that may be the one that was damaged. */
async function find({ records, retrievals }: Reading, key: string): Promise<Found | undefined> {
  const [archive] = await records.archives(key);
  return archive && { archive, retrieval: await retrievals.of(archive) };
}

/** @throws BackupError `not-found`, `frozen`. */
export async function openArchive(reading: Reading, key: string): Promise<Readable> {
  const found = await find(reading, key);
  if (found === undefined) {
    // Small objects, and what is empty, lie beside the records.
    const bytes = await requireSmall(reading, key);
    return Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });
  }
  const { archive, retrieval } = found;
  if (retrieval?.state !== 'readable') throw frozen(reading, key, retrieval);
  return outputOf(reading, archive, retrieval.jobId);
}

/** The output of a job, which goes on where a connection was cut. */
async function outputOf({ vault }: Reading, { key, bytes }: ArchiveFacts, jobId: string): Promise<Readable> {
  const doing = { doing: `reading ${key}`, right: 'glacier:GetJobOutput' };
  async function from(at: number): Promise<AsyncIterable<Uint8Array>> {
    const range = at === 0 ? {} : { range: `bytes=${at}-${bytes - 1}` };
    const output = await vault.call(doing, (glacier, options) =>
      ifPresent(glacier.getJobOutput({ ...vault.names, jobId, ...range }, options)),
    );
    if (output?.body === undefined) throw over(vault, key);
    return output.body as AsyncIterable<Uint8Array>; // in Node it is a stream of bytes
  }
  return continued({ total: bytes, first: await from(0), from, translate: (error) => vault.translate(error, doing) });
}

/** Size and digest of an artifact, read to its end; undefined where there is none. @throws BackupError `frozen`. */
export async function digestArchive(reading: Reading, key: string, work: Work): Promise<Stored | undefined> {
  try {
    return await digestOf(await openArchive(reading, key), work, `reading ${key} back`);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/**
 * Whether an artifact is there. One that can be read is read; one that lies frozen goes by its record: by the tree hash
 * that the vault computed when it took it, over bytes whose SHA-256 was computed in the same reading.
 */
export async function isThere(reading: Reading, key: string, expected: Stored, work: Work): Promise<boolean> {
  const found = await find(reading, key);
  if (found !== undefined && found.retrieval?.state !== 'readable') return isEqual(found.archive, expected);
  const there = await digestArchive(reading, key, work);
  return there !== undefined && isEqual(there, expected);
}

export function thawingOf(reading: Reading): Thawing {
  return {
    destination: reading.vault.destination,
    takes: timesOf(reading.vault.config),
    async state(key) {
      const found = await find(reading, key);
      if (found !== undefined) return stateOf(found.retrieval);
      await requireSmall(reading, key);
      return { state: 'readable' };
    },
    async ask(key, options) {
      const found = await find(reading, key);
      if (found === undefined) await requireSmall(reading, key);
      else if (found.retrieval === undefined) await reading.retrievals.ask(found.archive, options);
    },
  };
}

/** @throws BackupError `not-found`. */
async function requireSmall(reading: Reading, key: string): Promise<Uint8Array> {
  const { records } = reading;
  const bytes = await records.at.readSmall(records.keyAt(key));
  if (bytes === undefined) throw missing(reading, key);
  return bytes;
}

function stateOf(retrieval: Retrieval | undefined): ThawState {
  if (retrieval === undefined) return { state: 'frozen' };
  const { state, since, until } = retrieval;
  if (state === 'readable') return { state, ...(until && { until }) };
  return { state, ...(since && { since }) };
}

function frozen({ vault }: Reading, key: string, retrieval: Retrieval | undefined): BackupError {
  const { destination } = vault;
  const message =
    retrieval === undefined
      ? `${key} lies in a vault (${destination}): it must be asked for before it can be read.`
      : `${key} was asked for, and its vault (${destination}) has not brought it yet.`;
  return new BackupError('frozen', message, {
    remedy: `mosaic-backup copies thaw REFERENCE --from ${destination} says what that takes, and does it.`,
    facts: { key, destination },
  });
}

function over({ destination }: Vault, key: string): BackupError {
  return new BackupError(
    'frozen',
    `${key} can no longer be read at ${destination}: what a vault brings is kept for a day.`,
    {
      remedy: `mosaic-backup copies thaw REFERENCE --from ${destination} asks for it again.`,
      facts: { key, destination },
    },
  );
}

function missing({ vault }: Reading, key: string): BackupError {
  return new BackupError('not-found', `${key} is not there (vault ${vault.config.vault}).`, {
    remedy: 'Run `mosaic-backup verify` on this backup, and use another copy.',
    facts: { key, destination: vault.destination, vault: vault.config.vault },
  });
}
