/** A server whose data somebody has set back by hand, as by a snapshot, without a timeline of its own. */
import { BackupError } from '../../../../model/errors.ts';
import { lsnNumber } from '../base-backup.ts';
import type { Closed } from './close-segment.ts';
import { logsPosition } from './position.ts';
import type { Context } from './ship.ts';

export interface Written {
  readonly systemId: string;
  readonly timeline: number;
  /** What it has just closed: each tick closes a segment behind all that were closed before. */
  readonly closed: Closed;
}

/**
 * What it writes bears names that are sealed, and would count as sealed already until it is as far as it was: a tick would
 * ship nothing, and succeed.
 * @throws BackupError `conflict`: what is sealed stays as it is.
 */
export function requireNotSetBack({ newest }: Pick<Context, 'newest'>, { systemId, timeline, closed }: Written): void {
  const before = newest && logsPosition.parse(newest.position);
  if (!before || before.systemId !== systemId || before.timeline !== timeline) return;
  if (lsnNumber(closed.end) > lsnNumber(before.endLsn)) return;
  throw new BackupError(
    'conflict',
    `The server was set back: it writes up to ${closed.end} of timeline ${timeline}, of which ${before.endLsn} is sealed already.`,
    {
      remedy:
        'Older data were put in the place of its own, as from a snapshot, or a copy of it answers: stop that. A server that is to go on from there needs a timeline of its own: stop it, make an empty recovery.signal in its data folder, set restore_command to false, start it. A full follows by itself.',
      facts: { timeline, closed: closed.end, sealed: before.endLsn },
    },
  );
}
