/**
 * A database that is being loaded bears a mark, its comment, from the statement that makes it until all of it is there. A
 * killed restore leaves it: so another one knows whose half that is, and nobody takes it for the whole.
 */
import { createHash } from 'node:crypto';
import { BackupError } from '../../../../model/errors.ts';
import { literal } from '../session.ts';

const MARK = /^mosaic-backup: not whole, restoring (\S+) since (\S+)$/;

export interface Half {
  /** The backup that it is of. */
  readonly reference: string;
  /** RFC 3339. */
  readonly since: string;
}

export function markOf({ reference, since }: Half): string {
  return `mosaic-backup: not whole, restoring ${reference} since ${since}`;
}

/** Undefined for any other comment. */
export function halfOf(comment: string): Half | undefined {
  const [, reference, since] = MARK.exec(comment) ?? [];
  return reference === undefined || since === undefined ? undefined : { reference, since };
}

/** The name of the lock that whoever loads a database holds until he ends, however he ends. */
export function lockOf(database: string): string {
  return `mosaic-restore-${createHash('sha256').update(database).digest('hex').slice(0, 32)}`;
}

const TAKEN = 'another restore is at work in this database';

/** The first statements of a load: they take the lock, or fail. The session that loads holds it. */
export function takeLock(database: string): string {
  return `DELIMITER //
BEGIN NOT ATOMIC
  IF COALESCE(GET_LOCK(${literal(lockOf(database))}, 0), 0) <> 1 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(TAKEN)};
  END IF;
END //
DELIMITER ;
`;
}

/** Whether a load failed on the lock: what is there is the other one's. */
export function isTaken(error: unknown): boolean {
  return error instanceof BackupError && String(error.facts['stderr'] ?? error.message).includes(TAKEN);
}

/** @param session number of the connection that loads. */
export function atWork(database: string, session: number | null): BackupError {
  return new BackupError('busy', `Another restore is at work in "${database}". Nothing was changed.`, {
    remedy:
      session === null
        ? 'Wait until it has ended.'
        : `Wait until it has ended; one that was killed ends with its last statement, or by: KILL ${session};`,
  });
}
