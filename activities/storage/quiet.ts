/** Work that nobody watches: short questions to the other side. */
import type { Work } from '../work.ts';

/** Milliseconds. Past a dead link, which ssh notices sooner, it is a disk that hangs there. */
const STANDSTILL = 300_000;

function nothing(): void {
  // Nobody is told.
}

export function quietWork(): Work {
  return {
    signal: new AbortController().signal,
    progress: nothing,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    standstill: STANDSTILL,
  };
}
