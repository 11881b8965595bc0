/** A server that an export is to go into, and that does not let the restoring account in. */
import { BackupError } from '../../model/errors.ts';
import type { ExportTarget } from './types.ts';

/**
 * The failure with the advice for `--into`. Elsewhere the account is the backup's own, and its password is to be set anew:
 * here it may be the administrator's.
 * @param role the file of infra/roles that makes an account for it.
 */
export function ofInto(error: unknown, { password }: Pick<ExportTarget, 'password'>, role: string): unknown {
  if (!(error instanceof BackupError) || error.code !== 'access-denied') return error;
  const remedy =
    password === undefined
      ? `Give its password by --password-file FILE or --password-env NAME, or let --into name another account: an administrator's, or that of ${role}.`
      : `Look whether the password of --password-file or --password-env is that of the account in --into, and whether the account may do that: an administrator's may, or that of ${role}.`;
  return new BackupError('access-denied', error.message, { remedy, facts: error.facts, cause: error });
}
