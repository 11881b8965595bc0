/** A server that takes no incremental, though all looked well when it was decided: the next attempt makes a full. */
import { BackupError } from '../../../../model/errors.ts';
import { refuseParent } from './parents.ts';

/** What the server or pg_basebackup says when it is the parent, or the WAL since then, that does not suit. */
const UNSUITABLE = /summar|manifest|incremental|timeline/i;

/** The failure, with what comes next; what has nothing to do with incrementals stays as it is. */
export async function incrementalFailure(error: unknown, state: string, digest: string): Promise<unknown> {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const { program, stderr } = error.facts;
  if (typeof program !== 'string' || !program.endsWith('/pg_basebackup') || typeof stderr !== 'string') return error;
  const said = stderr.split('\n').find((line) => /error:|ERROR:/.test(line) && UNSUITABLE.test(line));
  if (said === undefined) return error;
  const why = `the server took no incremental: ${said.replace(/^.*(?:ERROR|error):\s*/, '')}`;
  await refuseParent(state, digest, why);
  return new BackupError('failed', `An incremental was begun, but ${why}`, {
    remedy: 'Nothing is to be done: the next attempt makes a full.',
    retryable: true,
    facts: error.facts,
    cause: error,
  });
}
