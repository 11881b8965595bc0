/** Waiting for what a server does by itself: saves and rewrites. */
import { setTimeout as wait } from 'node:timers/promises';
import { watch } from '../../streams/watch.ts';
import type { Work } from '../../work.ts';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import type { Asking } from './client.ts';
import { gatherInfo } from './facts.ts';
import type { Info } from './taken.ts';

const POLL = 50;
const SLOWEST = 1_000;

/**
 * Looks until something holds, and returns that look. A server that makes no progress with what it saves is a
 * standstill.
 */
export async function untilServer(
  { asking, work, phase }: { readonly asking: Asking; readonly work: Work; readonly phase: string },
  holds: (info: Info) => boolean,
): Promise<Info> {
  const hung = new AbortController();
  let life = 0;
  let last = '';
  const stop = watch({
    work,
    phase,
    total: null,
    bytes: () => 0,
    activity: async () => life,
    onFailure: (error) => hung.abort(error),
  });
  const signal = AbortSignal.any([asking.signal, hung.signal]);
  try {
    for (let pause = POLL; ; pause = Math.min(SLOWEST, pause * 1.5)) {
      stopIfCancelled(signal);
      const info = await gatherInfo({ ...asking, signal });
      if (holds(info)) return info;
      const { savedKeys, saves, rewrites } = info.persistence;
      const now = `${savedKeys} ${saves} ${rewrites}`;
      if (now !== last) life += 1;
      last = now;
      await wait(pause);
    }
  } catch (error) {
    stopIfCancelled(signal);
    throw error;
  } finally {
    await stop();
  }
}
