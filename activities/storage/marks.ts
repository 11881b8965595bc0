/** Marks as a place holds them: legal holds, their ends, sizes that were said to be right. */
import { BackupError } from '../../model/errors.ts';
import { canonical } from '../../model/manifest.ts';
import { mark, type Mark } from '../../model/mark.ts';
import { verifySignature } from '../keys/signing.ts';
import { inParallel } from './parallel.ts';
import { parseRecord } from './record.ts';
import type { Store } from './types.ts';

const OF_A_MARK = /^evidence\/[^/]+\/[^/]+\/[^/]+-(?:hold|unhold|accept)\.json$/;

/**
 * The marks at a place, the oldest first. What lets something be deleted counts only when a trusted key signed it; a hold
 * counts as well when its key is not trusted any more, since to keep is what can be taken back.
 */
export async function readMarks(store: Store, trusted: readonly string[]): Promise<readonly Mark[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('evidence')) {
    if (OF_A_MARK.test(key)) keys.push(key);
  }
  const found = await inParallel(keys, 16, (key) => readMark(store, key, trusted));
  return found.filter((each) => each !== undefined).toSorted((a, b) => (a.time < b.time ? -1 : 1));
}

async function readMark(store: Store, key: string, trusted: readonly string[]): Promise<Mark | undefined> {
  const bytes = await store.readSmall(key);
  if (bytes === undefined) return undefined;
  try {
    const record = parseRecord(bytes, mark, 'mark');
    const { signature, ...unsigned } = record;
    const good = verifySignature(canonical(unsigned), signature, trusted) === 'good';
    return good || record.what === 'hold' ? record : undefined;
  } catch (error) {
    // One that is none says nothing, and hides no other.
    if (error instanceof BackupError && error.code === 'verification-failed') return undefined;
    throw error;
  }
}
