/** Whether the server runs on what was restored, as far as the backup account sees. */
import type { MariadbSource } from '../../../../model/config/source.ts';
import type { Check } from '../../../../model/evidence.ts';
import { checkResults } from '../../check-results.ts';
import { sameFolder } from '../../in-place/folder.ts';
import type { InPlaceContext, InPlaceFacts } from '../../types.ts';
import { backupConnection } from '../connection.ts';
import { gatherFacts } from '../facts.ts';
import { furthest, sameGtids } from '../gtid.ts';
import { facts } from './facts.ts';

const { passed, failed } = checkResults<'answers' | 'identity' | 'gtids'>();

/** @throws BackupError while it does not answer. */
export async function check(
  { config, readSecret, work, place }: InPlaceContext<MariadbSource>,
  found: InPlaceFacts,
): Promise<readonly Check[]> {
  const { gtids, binlogs } = facts.parse(found);
  const connection = await backupConnection(config, readSecret);
  const server = await gatherFacts(connection, { signal: work.signal });
  const datadir = server.settings.DATADIR ?? '';
  return [
    passed('answers', server.version),
    (await sameFolder(datadir, place))
      ? passed('identity', `it runs on ${datadir}`)
      : failed('identity', `it runs on ${datadir}: another server answers`),
    binlogs === null || sameGtids(furthest([gtids, server.gtid]), server.gtid)
      ? passed('gtids', `they go on behind ${server.gtid || 'nothing'}`)
      : failed('gtids', `they stand at ${server.gtid || 'nothing'}, and ${gtids} were given before`),
  ];
}
