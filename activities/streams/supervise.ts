/** Waiting for all parts of a running pipeline, and ending the rest when one fails. */
import { BackupError } from '../../model/errors.ts';
import { findCulprit, type Outcome, programFailure, succeeded } from './culprit.ts';
import { isErrno } from './errno.ts';
import type { Chain } from './plumbing.ts';
import type { Started } from './programs.ts';
import { endGroups, signalGroups } from './signals.ts';
import type { Ended } from './types.ts';

export interface SuperviseOptions {
  /** Milliseconds between SIGTERM and SIGKILL, and again until a process that cannot even be killed is given up. */
  readonly grace?: number;
}

export interface Supervised {
  /** Aborted as soon as the pipeline cannot succeed any more. */
  readonly stopped: AbortSignal;
  /** Makes the pipeline fail for this reason, unless it has one already, and ends all programs. */
  readonly fail: (error: unknown) => void;
  /** Adds our own part: what writes the first program's stdin, or reads the last one's stdout. */
  readonly follow: (part: Promise<void>, what: 'feed' | 'drain') => void;
  /** Waits for all parts; throws the first cause of a failure. */
  readonly result: () => Promise<readonly Ended[]>;
}

/** Milliseconds that the others have to fail of themselves once one has: so the first cause stays visible. */
const PROPAGATION = 2_000;
const GRACE = 5_000;
/** Milliseconds that what the programs have started may live on after them. */
const LINGER = 1_000;

/** Supervises programs that have been started. */
export function supervise(
  { started, unread }: Pick<Chain, 'started' | 'unread'>,
  options: SuperviseOptions,
): Supervised {
  const { grace = GRACE } = options;
  const stop = new AbortController();
  const stuck = Promise.withResolvers<void>();
  const timers: NodeJS.Timeout[] = [];
  const outcomes: Outcome[] = [];
  let cause: { readonly error: unknown } | undefined;
  let feeding = false;
  let notFed = false;
  const parts: Promise<void>[] = started.map(followProgram);

  function end(): void {
    if (stop.signal.aborted) return;
    stop.abort();
    endGroups(started, grace).then((gone) => (gone ? undefined : stuck.resolve()), stuck.reject);
  }

  function fail(error: unknown): void {
    // What fails once all are being ended is a consequence.
    if (!stop.signal.aborted) cause = { error };
    end();
  }

  async function followProgram(each: Started, index: number): Promise<void> {
    let leftInput = false;
    try {
      const ended = await each.ended.finally(() => (leftInput = unread.get(each)?.() ?? false));
      const outcome = { program: each.program, ended, stopped: stop.signal.aborted, leftInput };
      outcomes[index] = outcome;
      if (!succeeded(outcome)) timers.push(setTimeout(end, PROPAGATION));
      else if (index === 0) timers.push(setTimeout(endUnfed, PROPAGATION));
    } catch (error) {
      fail(error);
      await each.exited;
    }
  }

  /** The first program is gone, so nobody will ever take what is still to be fed. */
  function endUnfed(): void {
    if (!feeding) return;
    notFed = true;
    end();
  }

  function follow(part: Promise<void>, what: 'feed' | 'drain'): void {
    if (what === 'feed') feeding = true;
    parts.push(part.catch((error: unknown) => failPart(error, what)).finally(() => (feeding &&= what !== 'feed')));
  }

  function failPart(error: unknown, what: 'feed' | 'drain'): void {
    // A broken pipe is the first program's doing; its exit status tells why.
    if (what === 'feed' && isErrno(error, 'EPIPE')) notFed = true;
    else fail(error);
  }

  /** What the programs have started and left must not hold the last pipe open for ever. */
  async function sweepAfterwards(): Promise<void> {
    await Promise.all(started.map(({ exited }) => exited));
    timers.push(setTimeout(signalGroups, LINGER, started, 'SIGKILL'));
  }

  async function result(): Promise<readonly Ended[]> {
    const sweep = sweepAfterwards();
    await Promise.race([Promise.all([...parts, sweep]), stuck.promise]);
    timers.forEach(clearTimeout);
    signalGroups(started, 'SIGKILL');
    if (cause) throw cause.error;
    const known = outcomes.filter((outcome) => outcome !== undefined);
    const culprit =
      findCulprit(known) ?? (notFed && known[0] ? { ended: known[0].ended, stoppedReading: true } : undefined);
    if (culprit) throw programFailure(culprit);
    if (known.length < started.length)
      throw new BackupError('failed', 'A program could not be ended: it hangs in the kernel.');
    return known.map(({ ended }) => ended);
  }

  return { stopped: stop.signal, fail, follow, result };
}
