/** Evidence records: signed, written where the backup was checked, never changed. */
import { createHash } from 'node:crypto';
import { canonical } from '../../model/manifest.ts';
import { CONTENTS, evidence as evidenceSchema } from '../../model/evidence.ts';
import type { Evidence, Measured, UnsignedEvidence, Verified } from '../../model/evidence.ts';
import { BackupError } from '../../model/errors.ts';
import { evidenceKey } from '../../model/paths.ts';
import type { BackupName } from '../../model/reference.ts';
import { verifySignature } from '../keys/signing.ts';
import type { Signer, TrustedKey } from '../keys/signing.ts';
import { listAll } from './list-all.ts';
import { inParallel } from './parallel.ts';
import { parseRecord } from './record.ts';
import { cacheOf, readRemembered } from './remembered.ts';
import type { ListedObject, Store, WritableStore } from './types.ts';

export function signEvidence(unsigned: UnsignedEvidence, signer: Signer): Evidence {
  return { ...unsigned, signature: signer.sign(canonical(unsigned)) };
}

/** Stores a record of evidence; returns its key. */
export async function writeEvidence(store: WritableStore, name: BackupName, record: Evidence): Promise<string> {
  const key = evidenceKey(name.source, name.id, record.time, record.what);
  await store.putSmall(key, Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`, 'utf8'), { replace: false });
  return key;
}

/**
 * The evidence that a store holds, of one source or of all, oldest first. Records that are damaged, or not signed by
 * a trusted key, are nobody's word and are left out.
 */
export async function readEvidence(
  store: Store,
  trusted: readonly TrustedKey[],
  source?: string,
): Promise<readonly Verified[]> {
  const below = source === undefined ? 'evidence' : `evidence/${source}`;
  return evidenceAmong(store, trusted, { listed: await listAll(store, below), below });
}

/** The same, about one backup alone: soon read, however much there is about others. */
export async function readEvidenceOf(
  store: Store,
  trusted: readonly TrustedKey[],
  { source, id }: Pick<BackupName, 'source' | 'id'>,
): Promise<readonly Verified[]> {
  const below = `evidence/${source}/${id}`;
  return evidenceAmong(store, trusted, { listed: await listAll(store, below), below });
}

/** What was listed below `evidence`, or a folder in it. */
export interface ListedBelow {
  readonly listed: readonly ListedObject[];
  readonly below: string;
}

/** The same, of what has been listed. */
export async function evidenceAmong(
  store: Store,
  trusted: readonly TrustedKey[],
  { listed, below }: ListedBelow,
): Promise<readonly Verified[]> {
  const checks = listed.filter(({ key }) => OF_A_CHECK.test(key));
  const records = await readRemembered<Verified, Verified | undefined>(checks, {
    // Whom a record is believed of is a part of what was found out about it.
    cache: cacheOf(store, 'evidence', digestOf(trusted)),
    read: (objects) => inParallel(objects, 16, ({ key }) => readRecord(store, key, trusted)),
    keep: (record) => record && { note: '', value: record },
    known: (_key, { value }) => value,
    lookedFor: (key) => key.startsWith(`${below}/`),
  });
  return records.filter((record) => record !== undefined).toSorted((a, b) => (a.time < b.time ? -1 : 1));
}

function digestOf(trusted: readonly TrustedKey[]): string {
  return createHash('sha256').update(JSON.stringify(trusted)).digest('hex');
}

function contentsOf(checks: Evidence['checks']): Pick<Verified, 'contents'> {
  const digest = checks.find(({ name }) => name === CONTENTS)?.digest;
  return digest === undefined ? {} : { contents: digest };
}

/** What a proof recorded of the contents that it found; undefined where no such record lies there, or it is nobody's word. */
export async function readContents(
  store: Store,
  trusted: readonly TrustedKey[],
  key: string,
): Promise<Evidence['checks'][number] | undefined> {
  const record = await readSigned(store, key, trusted);
  return record?.checks.find(({ name, digest }) => name === CONTENTS && digest !== undefined);
}

/** What the newest restores of a source that was checked there took, the newest first. */
export async function readMeasured(
  store: Store,
  trusted: readonly TrustedKey[],
  source: string,
  count: number,
): Promise<readonly Measured[]> {
  const keys = (await listAll(store, `evidence/${source}`))
    .map(({ key }) => key)
    .filter((key) => OF_A_RESTORE.test(key));
  const timeOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1);
  const newest = keys.toSorted((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1)).slice(0, 2 * count);
  const records = await inParallel(newest, 16, (key) => readSigned(store, key, trusted));
  return records.flatMap((record) => (record?.measured === undefined ? [] : [record.measured])).slice(0, count);
}

const OF_A_RESTORE = /-(?:test|drill)\.json$/;

/** Marks and records of deletions lie beside them. */
const OF_A_CHECK = /-(?:verify|test|drill)\.json$/;

async function readRecord(store: Store, key: string, trusted: readonly TrustedKey[]): Promise<Verified | undefined> {
  const record = await readSigned(store, key, trusted);
  if (record === undefined) return undefined;
  const { backup, destination, what, time, verdict, checks } = record;
  return { backup, destination, what, time, verdict, ...contentsOf(checks) };
}

/** Undefined where it is none, or nobody's word. */
async function readSigned(
  store: Store,
  key: string,
  trusted: readonly TrustedKey[],
): Promise<UnsignedEvidence | undefined> {
  const bytes = await store.readSmall(key);
  if (bytes === undefined) return undefined;
  try {
    const { signature, ...unsigned } = parseRecord(bytes, evidenceSchema, 'evidence record');
    return verifySignature(canonical(unsigned), signature, trusted, unsigned.time) === 'good' ? unsigned : undefined;
  } catch (error) {
    // A record that is none proves nothing, and hides no other.
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}
