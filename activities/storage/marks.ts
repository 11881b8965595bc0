/** Marks as a place holds them: legal holds, their ends, sizes that were said to be right. */
import type { TrustedKey } from '../keys/signing.ts';
import { BackupError } from '../../model/errors.ts';
import { canonical } from '../../model/manifest.ts';
import { mark, type Mark } from '../../model/mark.ts';
import { verifySignature } from '../keys/signing.ts';
import { listAll } from './list-all.ts';
import { inParallel } from './parallel.ts';
import { parseRecord } from './record.ts';
import type { ListedObject, Store } from './types.ts';

const OF_A_MARK = /^evidence\/[^/]+\/[^/]+\/[^/]+-(?:hold|unhold|accept)\.json$/;

/**
 * The marks at a place, the oldest first. What lets something be deleted counts only when a trusted key signed it; a hold
 * counts as well when its key is not trusted any more, since to keep is what can be taken back.
 */
export async function readMarks(store: Store, trusted: readonly TrustedKey[]): Promise<readonly Mark[]> {
  return marksAmong(store, trusted, await listAll(store, 'evidence'));
}

/** The same, of what has been listed below `evidence`. */
export async function marksAmong(
  store: Store,
  trusted: readonly TrustedKey[],
  listed: readonly ListedObject[],
): Promise<readonly Mark[]> {
  const keys = listed.map(({ key }) => key).filter((key) => OF_A_MARK.test(key));
  const found = await inParallel(keys, 16, (key) => readMark(store, key, trusted));
  return found.filter((each) => each !== undefined).toSorted((a, b) => (a.time < b.time ? -1 : 1));
}

async function readMark(store: Store, key: string, trusted: readonly TrustedKey[]): Promise<Mark | undefined> {
  const bytes = await store.readSmall(key);
  if (bytes === undefined) return undefined;
  try {
    const record = parseRecord(bytes, mark, 'mark');
    const { signature, ...unsigned } = record;
    const good = verifySignature(canonical(unsigned), signature, trusted, record.time) === 'good';
    return good || record.what === 'hold' ? record : undefined;
  } catch (error) {
    // One that is none says nothing, and hides no other.
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}
