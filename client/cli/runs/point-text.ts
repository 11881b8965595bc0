/** A run that only its recovery point still tells of. */
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import { table } from '../output.ts';

/** @param isAsked whether a Temporal was there to ask. */
export function pointText({ id, outcome, created, sources }: RecoveryPoint, isAsked: boolean): string {
  const why = isAsked ? 'this Temporal does not have the run' : 'no Temporal could be asked';
  const rows = sources.map(({ source, outcome: of, backup, stale, copies, error }) => [
    source,
    of,
    backup ? `${backup.reference}${stale ? ' (older)' : ''}` : '',
    copies.join(', '),
    error ?? '',
  ]);
  return [
    `${id}: ${outcome}, ended ${created} (from its recovery point: ${why})`,
    table(['source', 'outcome', 'backup', 'copies', 'error'], rows),
  ].join('\n');
}
