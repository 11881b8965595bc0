/** How the steps of a restore in place ship and capture: as a run that nobody scheduled. */
import { wholeSeconds } from '../../../model/time.ts';

/** How long, in milliseconds, another capture or shipping of the source is waited for. */
export const BUSY = 600_000;

/** @param scheduled RFC 3339, whole seconds; absent: one that begins now. */
export function runOf(
  source: string,
  scheduled = wholeSeconds(Date.now()),
): { readonly runId: string; readonly scheduled: string } {
  return { runId: `in-place-${source}-${scheduled}`, scheduled };
}

/** RFC 3339: the first whole second that is still to come. */
export function nextSecond(): string {
  return wholeSeconds(Date.now() + 1000);
}
