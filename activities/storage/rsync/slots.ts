/** So many at once: the others wait for their turn, in order. */
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { aborted } from '../../streams/pipeline.ts';

export interface Slots {
  /** Runs `body` once there is a slot. @throws BackupError `aborted` when that is cancelled before. */
  take<T>(body: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

export function slots(count: number): Slots {
  let free = count;
  const waiting: PromiseWithResolvers<void>[] = [];

  async function turn(signal: AbortSignal | undefined): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    const place = Promise.withResolvers<void>();
    waiting.push(place);
    function leave(): void {
      const index = waiting.indexOf(place);
      // Not there any more: it has its turn, and gives it back itself.
      if (index < 0) return;
      waiting.splice(index, 1);
      place.reject(aborted());
    }
    signal?.addEventListener('abort', leave, { once: true });
    await place.promise.finally(() => signal?.removeEventListener('abort', leave));
  }

  function give(): void {
    const next = waiting.shift();
    if (next) next.resolve();
    else free += 1;
  }

  return {
    async take(body, signal) {
      if (signal) stopIfCancelled(signal);
      await turn(signal);
      try {
        return await body();
      } finally {
        give();
      }
    },
  };
}
