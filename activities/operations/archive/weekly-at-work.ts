/** A weekly capture that is under way, which others wait for, so that no source is read twice. */
import { setTimeout as pause } from 'node:timers/promises';
import { heldLease } from '../../storage/lease.ts';
import { aborted } from '../../streams/pipeline.ts';
import type { CaptureRequest } from '../capture.ts';

/** Milliseconds between two looks at whether it has ended. */
const LOOK = 1000;

/**
 * The run of a weekly that captures the source just now; null for none.
 * @param counts whether one of this time, in milliseconds since the epoch, is meant.
 */
export async function weeklyAtWork(
  { site, source }: CaptureRequest,
  counts: (time: number) => boolean,
): Promise<string | null> {
  const holder = await heldLease(site.state, source);
  if (holder === undefined || holder.dead) return null;
  const time = /^weekly-(.+)\/[^/]+$/.exec(holder.step)?.[1];
  return time !== undefined && counts(Date.parse(time)) ? holder.step : null;
}

/** Waits for the next look. @throws BackupError `aborted` when cancelled meanwhile. */
export async function untilNextLook({ work }: CaptureRequest): Promise<void> {
  work.progress({ phase: 'waiting for the weekly', bytes: 0, total: null, activity: 0 });
  await pause(LOOK, undefined, { signal: work.signal }).catch(() => undefined);
  if (work.signal.aborted) throw aborted();
}
