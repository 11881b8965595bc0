/** Fills the sample's Redis, and opens its ledger. */
import { info, type Asking } from '../../../../activities/sources/redis/client.ts';
import { BackupError } from '../../../../model/errors.ts';
import { readJournal, runScript } from './scripts.ts';
import { openSessions } from './workload.ts';

/** So many keys of each kind, in portions that keep nobody waiting. */
const KEYS = 20_000;
const PORTION = 2_000;
/** Transactions of a hundred sessions each. */
const SESSIONS = 40;

export async function fillDatabases(asking: Asking, keys = KEYS): Promise<void> {
  for (let first = 1; first <= keys; first += PORTION)
    await runScript(asking, 'fill', [first, Math.min(keys, first + PORTION - 1)]);
  await runScript(asking, 'open');
  for (let turn = 0; turn < SESSIONS; turn += 1) await openSessions(asking, 100);
}

/** Bytes of the data in memory. @throws BackupError when it is not the server that `fillDatabases` left. */
export async function usedBytes(asking: Asking): Promise<number> {
  const { base } = await readJournal(asking, 1, 1);
  if (base.length === 0) throw new BackupError('verification-failed', 'The Redis of the sample lacks its ledger.');
  return Number((await info(asking))['used_memory_dataset'] ?? 0);
}
