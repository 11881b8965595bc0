/** Watches what goes out to a server: progress, standstill, cancellation. */
import { watch } from '../../streams/watch.ts';
import type { Work } from '../../work.ts';

export interface Sending {
  /** Aborted on cancellation, at a standstill, and by `end`. */
  readonly signal: AbortSignal;
  /** What a body tells of one part that is under way. */
  part(number: number): { readonly signal: AbortSignal; readonly sent: (bytes: number) => void };
  /** A part that is at the other side, sent now or before. */
  acknowledged(number: number, bytes: number): void;
  /** Ends what is under way. */
  end(): void;
  /** Runs what sends, and tells a standstill as what it is. */
  during<Result>(send: () => Promise<Result>): Promise<Result>;
}

/** @param total bytes in all. */
export function watchSending(phase: string, total: number, work: Work): Sending {
  const ending = new AbortController();
  const signal = AbortSignal.any([work.signal, ending.signal]);
  const underWay = new Map<number, number>();
  let acknowledged = 0;
  let activity = 0;
  let highest = 0;

  /** A part that is sent again does not take progress back. */
  function bytes(): number {
    const now = acknowledged + underWay.values().reduce((sum, each) => sum + each, 0);
    highest = Math.max(highest, now);
    return highest;
  }
  function report(): void {
    work.progress({ phase, bytes: bytes(), total, activity });
  }

  return {
    signal,
    part: (number) => ({
      signal,
      sent(sent) {
        underWay.set(number, sent);
        activity += 1;
        report();
      },
    }),
    acknowledged(number, size) {
      underWay.delete(number);
      acknowledged += size;
      report();
    },
    end: () => ending.abort(),
    async during(send) {
      let standstill: { readonly error: unknown } | undefined;
      const stop = watch({
        work,
        phase,
        total,
        bytes,
        activity: () => Promise.resolve(activity),
        onFailure(error) {
          standstill = { error };
          ending.abort();
        },
      });
      try {
        return await send();
      } catch (error) {
        throw standstill?.error ?? error;
      } finally {
        await stop();
      }
    },
  };
}
