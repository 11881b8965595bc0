/**
 * A pipeline of programs joined by kernel pipes: starts them, watches them, waits for every exit status, and
 * ends all of them when one fails, nothing moves any more, or the work is cancelled.
 */
import { BackupError } from '../../model/errors.ts';
import type { Work } from '../work.ts';
import { activityOf } from './activity.ts';
import { keepGate } from './gate.ts';
import { NO_LIMITS } from './limits.ts';
import { locate } from './locate.ts';
import { startChain } from './plumbing.ts';
import { redaction, type Redact } from './redact.ts';
import { supervise } from './supervise.ts';
import type { Ended, Limits, Program } from './types.ts';
import { watch } from './watch.ts';

export interface PipelineOptions {
  readonly programs: readonly Program[];
  /** Writes the first program's stdin, and takes over its descriptor. Without it, stdin is empty. */
  readonly feed?: ((fd: number, signal: AbortSignal) => Promise<void>) | undefined;
  /** Reads the last program's stdout, and takes over its descriptor. Without it, stdout is dropped. */
  readonly drain?: ((fd: number, signal: AbortSignal) => Promise<void>) | undefined;
  /** Asked before the gate of the last program opens, with how those before it ended: throws where that must not be. */
  readonly accept?: ((ended: readonly Ended[]) => void) | undefined;
  /** Bytes moved so far, for progress and the standstill watchdog. */
  readonly bytes: () => number;
  readonly phase: string;
  readonly total: number | null;
  readonly limits?: Limits;
  readonly redact?: Redact | undefined;
  readonly work: Work;
  /** Milliseconds between SIGTERM and SIGKILL, and again until a process that cannot even be killed is given up. */
  readonly grace?: number;
}

/**
 * Runs a pipeline to its end. Resolves when every program has succeeded and `feed` and `drain` are done. Rejects
 * with the first cause, once no child is left: what `feed` or `drain` threw, `program-failed` (or `no-space`) of
 * the program that is to blame, `standstill`, or `aborted`.
 */
export async function runPipeline(options: PipelineOptions): Promise<readonly Ended[]> {
  const { programs, feed, drain, work } = options;
  if (work.signal.aborted) throw aborted();
  // All of them before any is started.
  for (const { command, env } of programs) locate(command, env);
  const chain = await startChain({
    programs,
    input: feed !== undefined,
    output: drain !== undefined,
    limits: options.limits ?? NO_LIMITS,
    redact: redaction(programs, options.redact),
  });
  const run = supervise(chain, options);
  const cancel = () => run.fail(aborted());
  work.signal.addEventListener('abort', cancel, { once: true });
  const here = activityOf(chain.started.map(({ pid }) => pid));
  const everywhere = [here, ...programs.flatMap(({ activity }) => activity ?? [])];
  const activity = async () =>
    (await Promise.all(everywhere.map((each) => each()))).reduce((sum, ticks) => sum + ticks);
  const unwatch = watch({ ...options, activity, onFailure: run.fail });
  try {
    const fed = feed && chain.input !== undefined ? feed(chain.input, run.stopped) : Promise.resolve();
    if (feed) run.follow(fed, 'feed');
    void keepGate(chain.started, { fed, run, accept: options.accept });
    if (drain && chain.output !== undefined) run.follow(drain(chain.output, run.stopped), 'drain');
    return await run.result();
  } finally {
    work.signal.removeEventListener('abort', cancel);
    await unwatch();
  }
}

export function aborted(): BackupError {
  return new BackupError('aborted', 'It was cancelled; what it had begun is removed.');
}
