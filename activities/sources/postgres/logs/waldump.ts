/** What pg_waldump tells of transactions in the last logs of a recovery. */
import type { Manifest } from '../../../../model/manifest.ts';
import { BackupError } from '../../../../model/errors.ts';
import { microseconds } from '../../../../model/time.ts';
import type { Work } from '../../../work.ts';
import { readWaldump, type Dump } from '../waldump-lines.ts';
import { logsPosition } from './position.ts';

export interface CommitsRequest {
  /** Folder of the segments. */
  readonly wal: string;
  /** Programs that have pg_waldump. */
  readonly waldump: Dump['waldump'];
  /** The last ones of a recovery, in their order. */
  readonly logs: readonly Manifest[];
  /** What pg_waldump prints of the record at the end of these logs: unless it was seen, not all was looked at. */
  readonly end: string;
  /** RFC 3339. */
  readonly time: string;
  readonly work: Work;
}

/** Whether a transaction in these logs ended after a time, so that a recovery to that time finds where to stop. */
export async function commitsAfter({ wal, waldump, logs, end, time, work }: CommitsRequest): Promise<boolean> {
  const names = logs.flatMap(({ position }) => Object.keys(logsPosition.parse(position).segments)).toSorted();
  let after = false;
  let seen = false;
  function look(line: string): void {
    if (line.includes(end)) seen = true;
    const ended = /desc: (?:COMMIT|ABORT)\S* (?:\d+: )?(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC/.exec(line);
    if (ended && microseconds(`${ended[1]}T${ended[2]}Z`) > microseconds(time)) after = true;
  }
  // A restore point is a record of XLOG; the last one of a tail may be of any kind.
  const rmgrs = end.startsWith('lsn:') ? [] : ['--rmgr=Transaction', '--rmgr=XLOG'];
  // It reads one timeline at a time.
  for (const segments of Map.groupBy(names, (name) => name.slice(0, 8)).values()) {
    const range = [segments[0] ?? '', segments.at(-1) ?? ''];
    await readWaldump({ waldump, wal, args: [...rmgrs, ...range], phase: 'looking for the target', work }, look);
  }
  if (seen) return after;
  throw new BackupError(
    'verification-failed',
    `The logs ${logs.at(-1)?.id ?? ''} could not be read up to their end ("${end}").`,
    {
      remedy: 'Restore them from another copy, or choose an earlier target.',
    },
  );
}
