/** The gate of a pipeline's last program: what it holds back happens only when nothing at all went wrong before it. */
import { succeeded } from './culprit.ts';
import type { Started } from './programs.ts';
import type { Supervised } from './supervise.ts';
import type { Ended } from './types.ts';

export interface Gatekeeping {
  /** Resolves when all that was fed was right to its end. */
  readonly fed: Promise<void>;
  readonly run: Pick<Supervised, 'stopped' | 'fail'>;
  readonly accept: ((ended: readonly Ended[]) => void) | undefined;
}

/** Opens the gate, or closes it for good. Never rejects: what went wrong is the pipeline's own failure. */
export async function keepGate(started: readonly Started[], { fed, run, accept }: Gatekeeping): Promise<void> {
  const last = started.at(-1);
  if (last?.program.gate === undefined) return;
  try {
    const ended = await endedWell(started.slice(0, -1), fed);
    if (ended) accept?.(ended);
    last.openGate(ended !== undefined && !run.stopped.aborted);
  } catch (error) {
    last.openGate(false);
    run.fail(error);
  }
}

/**
 * How the programs before the last one ended where all went well, and undefined where not: the pipeline itself tells
 * the cause, which may be the last program's. A broken pipe of what feeds them is only a consequence.
 */
async function endedWell(before: readonly Started[], fed: Promise<void>): Promise<readonly Ended[] | undefined> {
  try {
    const [ended] = await Promise.all([Promise.all(before.map((each) => each.ended)), fed]);
    const isGood = before.every(({ program }, index) => {
      const one = ended[index];
      return one !== undefined && succeeded({ program, ended: one });
    });
    return isGood ? ended : undefined;
  } catch {
    return undefined;
  }
}
