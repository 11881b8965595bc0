/** The end of a run, also where the Temporal that it is watched on goes away meanwhile: the run goes on. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../model/errors.ts';
import type { RunReport } from '../../model/run.ts';
import { answerWithin, whyAway } from '../temporal/patiently.ts';
import type { RunHandle } from './start.ts';

export interface AwaitedOptions {
  /** Aborted when nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Milliseconds that Temporal may be away. */
  readonly patience?: number;
}

/** Milliseconds: what restarts is back by then. */
const PATIENCE = 60_000;
const PAUSE = 500;
/** Milliseconds for one answer: without an end, gRPC asks again by itself for most of a minute. */
const ANSWER = 10_000;
/** Milliseconds for one question for the end, which Temporal answers when there is one: after them it is asked anew whether it is there. */
const LONG_ANSWER = 20_000;

/**
 * @throws BackupError `unreachable` where Temporal stays away, `not-found` where it has lost the run; what the run ended by as it is.
 */
export async function resultOf(handle: RunHandle, { signal, patience = PATIENCE }: AwaitedOptions): Promise<RunReport> {
  let until: number | null = null;
  for (;;) {
    try {
      // What waits for the end asks for long, and tells only then that there was an answer.
      if (until !== null) await within(handle, ANSWER, patience, () => handle.describe());
      until = null;
      return await within(handle, LONG_ANSWER, patience, () => handle.result());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) throw lost(handle.workflowId, error);
      const why = whyAway(error);
      if (why === undefined) throw error;
      until ??= Date.now() + patience;
      if (signal.aborted || Date.now() > until) throw away(handle.workflowId, why, error);
    }
    await pause(PAUSE, undefined, { signal }).catch(() => undefined);
  }
}

/** Nobody waits for one answer longer than it may be away at all. */
function within<T>({ client }: RunHandle, longest: number, patience: number, ask: () => Promise<T>): Promise<T> {
  return client.withDeadline(Date.now() + answerWithin(longest, patience), ask);
}

function away(run: string, why: string, cause: unknown): BackupError {
  return new BackupError(
    'unreachable',
    `Temporal does not answer any more (${why}): ${run} is not watched any longer`,
    {
      remedy: `Nothing is lost: the run goes on once Temporal and its worker are there. How far it is: mosaic-backup runs show ${run}`,
      facts: { run },
      cause,
    },
  );
}

function lost(run: string, cause: unknown): BackupError {
  return new BackupError('not-found', `Temporal does not know ${run} any more: its data were lost`, {
    remedy: `What is sealed is there. What is missing is done by: mosaic-backup runs retry ${run}, or the same plan and time again (--at).`,
    facts: { run },
    cause,
  });
}
