/** Whether a server can be captured now. Read only, but for the row of a canary. */
import type { RedisSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { BackupError } from '../../../model/errors.ts';
import { canaryFindings } from '../canary.ts';
import type { SourceContext } from '../types.ts';
import { beat, CANARY } from './canary.ts';
import { command, type Asking } from './client.ts';
import { backupConnection } from './connection.ts';
import { gatherFacts, isAtLeast, type Facts } from './facts.ts';
import { findingsOf } from './findings.ts';
import { folderFindings } from './folder.ts';
import { lackingRights, rightsFindings } from './rights.ts';
import { spaceFindings } from './space.ts';

/**
 * All findings about a server, its user and its folder.
 * @throws BackupError `unreachable` or `access-denied` when it cannot even be asked.
 */
export async function preflight(context: SourceContext<RedisSource>): Promise<readonly Finding[]> {
  const { config, source, work, readSecret } = context;
  const asking = { connection: await backupConnection(config, readSecret), signal: work.signal };
  const facts = await gatherFacts(asking);
  const lacking = await lackingRights(asking, config.method, work);
  return [
    ...findingsOf(facts, config, source),
    ...rightsFindings(lacking, asking, source),
    ...(await folderFindings(config, facts.settings, source)),
    ...(await spaceFindings(config, facts, source)),
    ...(await backupCommand(asking, facts, source)),
    ...(await canaryFindings(context, CANARY, () => beat(context))),
  ];
}

/** Redis 8.10 brought a command of its own for backups. It is looked for, not used: none of it could be tried yet. */
async function backupCommand(
  asking: Asking,
  { product, version }: Facts,
  subject: string,
): Promise<readonly Finding[]> {
  if (product !== 'redis' || !isAtLeast(version, '8.0')) return [];
  const known = await command(asking, ['BACKUP', 'HELP']).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof BackupError) || error.code === 'unreachable') throw error;
      // A command that there is not is told before a right that is missing.
      return !/unknown command/i.test(String(error.facts['answer']));
    },
  );
  if (!known) return [];
  const message = 'the server has the command BACKUP, which this version does not use; its methods do without';
  return [{ code: 'redis.backup-command', severity: 'info', message, remedy: null, subject }];
}
