/** Whether an account may restore at all: those for backups, checks and exports only read. */
import { BackupError } from '../../../../model/errors.ts';
import { describeServer } from '../connection.ts';
import { run } from '../session.ts';
import type { Target } from './target.ts';

/** The account that a restore needs. */
export const ROLE = 'infra/roles/mariadb-restore.sql';

/**
 * Whatever is restored, a database is made for it. SHOW GRANTS tells the rights of a role as well, where that is active.
 * @throws BackupError `access-denied` before anything is written.
 */
export async function requireWriter({ connection }: Target, signal: AbortSignal): Promise<void> {
  const grants = await run(connection, 'SHOW GRANTS', { signal });
  if (grants.some((line) => mayMake(line))) return;
  throw new BackupError(
    'access-denied',
    `Account ${connection.user} of ${describeServer(connection)} may only read: nothing can be restored with it. Nothing was changed.`,
    {
      remedy: `Name an account in --into that may write: an administrator's (user=root), or mosaic_restore, which ${ROLE} makes (as root: mariadb < ${ROLE}).`,
      facts: { account: connection.user },
    },
  );
}

/** `GRANT SELECT, CREATE ON *.* TO …` */
function mayMake(line: string): boolean {
  const privileges = /^GRANT (.*?) ON /.exec(line)?.[1]?.split(', ') ?? [];
  return privileges.some((name) => name === 'ALL PRIVILEGES' || name === 'CREATE');
}
