/** What a decision means for the capture that it was made for. */
import { BackupError } from '../../../../model/errors.ts';
import type { Warning } from '../../../../model/manifest.ts';
import type { Kind } from '../../../../model/source.ts';
import type { Decision, Parent } from './kind.ts';

/**
 * The parent of an incremental; undefined for a full.
 * @throws BackupError `failed` where an incremental was to be made and cannot be any more; the next attempt is a full.
 */
export function requireDecision(kind: Kind, decision: Decision): Parent | undefined {
  if (kind !== 'incremental') return undefined;
  if (decision.kind === 'incremental') return decision.parent;
  const why = decision.unexpected ?? 'a full is due';
  throw new BackupError('failed', `An incremental was to be made, but ${why}.`, {
    remedy: 'Nothing is to be done: the next attempt makes a full.',
    retryable: true,
  });
}

/** Says why a full was made that was not due. */
export function fullWarning({ unexpected }: Decision): readonly Warning[] {
  if (unexpected === null) return [];
  const message = `This is a full, though an incremental was due: ${unexpected}.`;
  return [{ code: 'postgres.full', message, partial: false }];
}
