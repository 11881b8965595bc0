/** What would keep exports from being made. No finding here stops a backup: its files are good without. */
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Finding } from '../../../../model/finding.ts';
import type { SourceContext } from '../../types.ts';
import { exportConnection } from '../connection.ts';
import { installedRelease } from '../programs.ts';
import { run } from '../session.ts';

const NEEDED = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'] as const;

export async function exportFindings(context: SourceContext<MariadbSource>): Promise<readonly Finding[]> {
  const { config, source, readSecret, work } = context;
  const connection = await exportConnection(config, readSecret);
  const finding = { code: 'mariadb.export-account', subject: source } as const;
  if (!connection || config.export?.tiers.length === 0) {
    const message =
      'weekly and monthly backups hold no logical exports: one table cannot go back into a running server, and a server of this version must be had in years';
    const remedy = connection
      ? null
      : 'Run infra/roles/mariadb-export.sql on the server and add "export: {}" to this source.';
    return [{ ...finding, severity: 'info', message, remedy }];
  }
  if ((await installedRelease('mariadb-dump')) === undefined) {
    const message = 'mariadb-dump is not on this machine: no exports will be made';
    return [{ ...finding, severity: 'warning', message, remedy: 'apt-get install mariadb-client' }];
  }
  try {
    const grants = await run(connection, 'SHOW GRANTS', { signal: work.signal });
    const line = grants.find((grant) => / ON \*\.\* TO /.test(grant)) ?? '';
    const has = /^GRANT (.*?) ON/.exec(line)?.[1]?.split(', ') ?? [];
    const lacking = has.includes('ALL PRIVILEGES') ? [] : NEEDED.filter((name) => !has.includes(name));
    if (lacking.length === 0) return [];
    const account = / TO (`[^`]+`@`[^`]+`)/.exec(line)?.[1] ?? `${connection.user}@localhost`;
    const message = `account ${connection.user} lacks ${lacking.join(', ')}: databases will not be exported as a whole`;
    const remedy = `GRANT ${lacking.join(', ')} ON *.* TO ${account};`;
    return [{ ...finding, severity: 'warning', message, remedy }];
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const message = `no exports will be made: ${error.message}`;
    const remedy = 'As root: mariadb < infra/roles/mariadb-export.sql, and the password that export.password names.';
    return [{ ...finding, severity: 'warning', message, remedy }];
  }
}
