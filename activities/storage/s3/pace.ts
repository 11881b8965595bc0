/** A limit of bandwidth that several streams share. */
import { setTimeout as pause } from 'node:timers/promises';
import type { PutOptions } from '../types.ts';
import type { Bucket } from './bucket.ts';

/** Waits until so many bytes more may go out. */
export type Pace = (bytes: number, signal?: AbortSignal) => Promise<void>;

/** @param rate bytes in a second; undefined: no limit. */
export function pace(rate: number | undefined): Pace {
  // Milliseconds of the monotonic clock at which the next bytes are due.
  let due = 0;
  return async function wait(bytes, signal) {
    if (rate === undefined) return;
    const now = performance.now();
    const start = Math.max(due, now);
    due = start + (bytes * 1000) / rate;
    if (start > now) await pause(start - now, undefined, signal === undefined ? {} : { signal });
  };
}

/** The slower of what the config allows and what the caller does. */
export function paceOf({ bucket, options }: { readonly bucket: Bucket; readonly options: PutOptions }): Pace {
  const limits = [bucket.config.maxRate, options.maxRate].filter((rate) => rate !== undefined);
  return pace(limits.length === 0 ? undefined : Math.min(...limits));
}
