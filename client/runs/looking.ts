/** Looks again and again at a workflow that somebody watches. */
import { setTimeout as pause } from 'node:timers/promises';

export interface Looking<Report> {
  readonly ask: () => Promise<Report>;
  readonly onProgress: (report: Report) => void;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** How somebody follows a workflow to its end. */
export interface FollowOptions<Report> extends Omit<Looking<Report>, 'ask'> {
  /** Rejects when the own Temporal or worker ends by itself. */
  readonly broken: Promise<never>;
}

export async function keepLooking<Report>({ ask, onProgress, interval, signal }: Looking<Report>): Promise<void> {
  while (!signal.aborted) {
    try {
      onProgress(await ask());
    } catch {
      // No worker answers just now (it may be restarting): the next look tells.
    }
    await pause(interval, undefined, { signal }).catch(() => undefined);
  }
}
