/** Whether the server has loaded what was restored. Clients may write to it already: counts tell only what is empty. */
import type { RedisSource } from '../../../../model/config/source.ts';
import type { Check } from '../../../../model/evidence.ts';
import { checkResults } from '../../check-results.ts';
import { serverStands } from '../../in-place/processes.ts';
import type { InPlaceContext, InPlaceFacts } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { gatherInfo } from '../facts.ts';
import { facts } from './facts.ts';
import { PROCESSES } from './processes.ts';

const { passed, failed } = checkResults<'answers' | 'identity' | 'persistence' | 'keys'>();

/** @throws BackupError while it does not answer. */
export async function check(
  { config, readSecret, work, place, replayed }: InPlaceContext<RedisSource>,
  found: InPlaceFacts,
): Promise<readonly Check[]> {
  const { appendonly, filled = [] } = facts.parse(found);
  const connection = await backupConnection(config, readSecret);
  const { version, persistence, databases } = await gatherInfo({ connection, signal: work.signal });
  const stands = await serverStands(place.data, PROCESSES);
  // Cut off at an earlier second, a database may have been empty then.
  const empty = filled.filter((index) => !databases.some((database) => database.index === index && database.keys > 0));
  const keys = databases.reduce((sum, database) => sum + database.keys, 0);
  return [
    persistence.loading ? failed('answers', 'it is still loading') : passed('answers', version),
    stands
      ? passed('identity', `it runs on ${place.data}`)
      : failed('identity', `no server runs on ${place.data}: another one answers`),
    persistence.aof === appendonly
      ? passed('persistence', `appendonly ${appendonly ? 'yes' : 'no'}`)
      : failed('persistence', `appendonly is ${persistence.aof ? 'yes' : 'no'}, and it was made ready for the other`),
    empty.length === 0 || replayed
      ? passed('keys', `${keys} keys`)
      : failed('keys', `it has not loaded what was restored: database ${empty.join(', ')} is empty`),
  ];
}
