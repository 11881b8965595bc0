/** How long the watchdog waits for an answer of a Temporal that has let it in. */
import type { Client } from '@temporalio/client';

/** Milliseconds that an answer may take in any case: one that was just started takes up its schedules first. */
const ANSWER = 7_000;

/** Until the patience is over, and some seconds in any case. Without an end gRPC asks again by itself for most of a minute. */
export function answeredBy<T>(client: Client, until: number, ask: () => Promise<T>): Promise<T> {
  return client.withDeadline(Math.max(until, Date.now() + ANSWER), ask);
}
