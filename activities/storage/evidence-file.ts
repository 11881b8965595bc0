/** Evidence records: signed, written where the backup was checked, never changed. */
import { createHash } from 'node:crypto';
import { canonical } from '../../model/manifest.ts';
import { evidence as evidenceSchema } from '../../model/evidence.ts';
import type { Evidence, UnsignedEvidence, Verified } from '../../model/evidence.ts';
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

/** Marks and records of deletions lie beside them. */
const OF_A_CHECK = /-(?:verify|test|drill)\.json$/;

async function readRecord(store: Store, key: string, trusted: readonly TrustedKey[]): Promise<Verified | undefined> {
  const bytes = await store.readSmall(key);
  if (bytes === undefined) return undefined;
  try {
    const { signature, ...unsigned } = parseRecord(bytes, evidenceSchema, 'evidence record');
    if (verifySignature(canonical(unsigned), signature, trusted, unsigned.time) !== 'good') return undefined;
    const { backup, destination, what, time, verdict } = unsigned;
    return { backup, destination, what, time, verdict };
  } catch (error) {
    // A record that is none proves nothing, and hides no other.
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}
