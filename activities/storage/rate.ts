/** How fast a destination may be written to. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Destination } from './types.ts';

/** The same destination, to which no more than so many bytes a second are sent; no limit when undefined. */
export function limitedTo(to: Destination, maxRate: number | undefined): Destination {
  if (maxRate === undefined) return to;
  return {
    ...to,
    put: (key, file, expected, work, options) => to.put(key, file, expected, work, { ...options, maxRate }),
  };
}

/** Waits until so many bytes may have been sent since it was made. */
export function pacer(maxRate: number | undefined): (bytes: number, signal: AbortSignal) => Promise<void> {
  const began = performance.now();
  return async (bytes, signal) => {
    if (maxRate === undefined) return;
    const early = (bytes / maxRate) * 1000 - (performance.now() - began);
    // Cancelled it goes on at once: whoever sends looks for that by itself.
    if (early > 0) await sleep(early, undefined, { signal }).catch(() => undefined);
  };
}
