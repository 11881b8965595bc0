/** The position of a backup of WAL, in its manifest. */
import { z } from 'zod';
import type { Manifest } from '../../../../model/manifest.ts';
import type { LogsPlace } from '../../types.ts';
import { lsn, lsnNumber } from '../base-backup.ts';
import { parseSegment, type Segment } from './segments.ts';

export const logsPosition = z.looseObject({
  systemId: z.string(),
  /** Of its last segment. */
  timeline: z.int(),
  /** First LSN of its first segment, and the one behind its last. */
  startLsn: lsn,
  endLsn: lsn,
  segmentBytes: z.int().positive(),
  /** Made right before the last segment was closed; null where none was closed. Where nothing was committed after a time, recovery stops here. */
  restorePoint: z.string().nullable(),
  /** Why what was shipped before does not reach up to this one; null where it does. */
  gap: z.string().nullable(),
  /** Only of a tail, the begun segment of a stopped server (see tail.ts): LSN of its last record. */
  tail: z.string().optional(),
  /** SHA-256 of each segment in it. */
  segments: z.record(z.string(), z.string()),
});
export type LogsPosition = z.infer<typeof logsPosition>;

/** Whether a restore point bears a name of those that a shipping makes (close-segment.ts): of an attempt. */
export function isOurs(restorePoint: string): boolean {
  return /^mosaic (?:check )?[A-Za-z0-9-]*\d+-[0-9a-f]{12}(?: \d+| after)?$/.test(restorePoint);
}

/** A timeline goes on where it was left: WAL of one and the same is ordered by its end. */
export function placeOf({ position }: Manifest): LogsPlace | null {
  const { success, data } = logsPosition.safeParse(position);
  return success ? { history: `${data.systemId}/${data.timeline}`, end: lsnNumber(data.endLsn) } : null;
}

/** The first segment in it. */
export function firstSegment(position: LogsPosition): Segment | undefined {
  return segmentOf(position, 0);
}

/** The last segment in it. */
export function lastSegment(position: LogsPosition): Segment | undefined {
  return segmentOf(position, -1);
}

function segmentOf({ segments, segmentBytes }: LogsPosition, index: 0 | -1): Segment | undefined {
  const name = Object.keys(segments).toSorted().at(index);
  return name === undefined ? undefined : parseSegment(name, segmentBytes);
}

/** Whether a range of WAL reaches from one LSN to behind another. */
export function covers({ startLsn, endLsn }: LogsPosition, lsn: string): boolean {
  return lsnNumber(startLsn) <= lsnNumber(lsn) && lsnNumber(lsn) < lsnNumber(endLsn);
}
