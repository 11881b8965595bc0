/** Questions to a Temporal that serves, and is not ready for all of them yet: an embedded one that was killed takes up its schedules first. */
import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../model/errors.ts';

/** gRPC's status codes of what may pass: unknown, deadline exceeded, resource exhausted, aborted, internal, unavailable. */
const PASSING: ReadonlySet<number> = new Set([2, 4, 8, 10, 13, 14]);
/** Milliseconds: the pause between two tries, and how long it is tried. */
const PAUSE = 500;
const PATIENCE = 30_000;
/** Milliseconds that one answer may always take, however little patience there is: a busy server is no absent one. */
const ONE_ANSWER = 2_000;

/** Milliseconds to wait for one answer: at most so long, and no longer than it is asked at all. */
export function answerWithin(longest: number, patience = PATIENCE): number {
  return Math.min(longest, Math.max(ONE_ANSWER, patience));
}

/** Asks again while it may pass. @throws BackupError `unreachable` where it does not; anything else as it is. */
export async function patiently<T>(ask: () => Promise<T>, patience = PATIENCE): Promise<T> {
  const until = Date.now() + patience;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const why = whyAway(error);
      if (why === undefined) throw error;
      if (Date.now() > until) {
        throw new BackupError('unreachable', `Temporal does not answer a question: ${why}`, {
          remedy: 'Look at its log and at the load of its machine, then give the command again.',
          cause: error,
        });
      }
    }
    await pause(PAUSE);
  }
}

/** What the server said, or gRPC of it, where that may pass; undefined for anything else. */
export function whyAway(error: unknown): string | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && PASSING.has(cause.code) ? cause.details : undefined;
}
