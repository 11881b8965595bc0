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

/** The name of the lock that whoever changes a database holds until he ends, however he ends. */
export function lockOf(database: string): string {
  return `mosaic-restore-${createHash('sha256').update(database).digest('hex').slice(0, 32)}`;
}

const TAKEN = 'another restore is at work in this database';
const CHANGED = 'this database is not as it was when it was looked at';

export interface Locking {
  /** A condition that must hold then. */
  readonly asItWas?: string;
  /** Seconds to wait for the lock: a session of ours may still be ending. */
  readonly patience?: number;
}

/**
 * One statement that takes the lock, or fails. The session that changes anything holds it: a server goes on with the last
 * statement of a client that is gone, and so another attempt knows.
 */
export function lockStatement(database: string, { asItWas = 'TRUE', patience = 0 }: Locking = {}): string {
  return `BEGIN NOT ATOMIC
  IF COALESCE(GET_LOCK(${literal(lockOf(database))}, ${patience}), 0) <> 1 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(TAKEN)};
  END IF;
  IF NOT (${asItWas}) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = ${literal(CHANGED)};
  END IF;
END`;
}

/** The same for a script. */
export function takeLock(database: string, locking?: Locking): string {
  return `DELIMITER //\n${lockStatement(database, locking)} //\nDELIMITER ;\n`;
}

/** Whether a load failed on the lock: what is there is the other one's. */
export function isTaken(error: unknown): boolean {
  return says(error, TAKEN);
}

/** Whether it failed on what somebody has done since it was looked at. */
export function isChanged(error: unknown): boolean {
  return says(error, CHANGED);
}

function says(error: unknown, text: string): boolean {
  if (!(error instanceof BackupError)) return false;
  const { answer, stderr } = error.facts;
  // The client may print the statement too, which has the text in it.
  return (answer ?? /^ERROR 1644 [^\n]*?: (.*)$/m.exec(String(stderr))?.[1]) === text;
}

export function changed(database: string): BackupError {
  return new BackupError(
    'busy',
    `Somebody has changed "${database}" since it was looked at. Nothing was changed by this.`,
    {
      remedy: 'Look at it, and give the command again.',
    },
  );
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
