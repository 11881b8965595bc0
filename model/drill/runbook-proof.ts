/** Whether a drill has proven a runbook. Pure. */
import { wholeSeconds } from '../time.ts';
import type { DrillReport, Scenario } from './drill.ts';

export interface RunbookProof {
  readonly proven: boolean;
  readonly words: string;
  /** The drill that commands and times are taken from: the last of the scenario that was complete, else the last that recovered anything; null where none did. */
  readonly last: DrillReport | null;
}

interface ProofFacts {
  readonly drills: readonly DrillReport[];
  readonly configDigest: string;
  readonly configChanged: string | null;
}

/** Proven is what the last drill of the scenario did to its end, by the config as it is. */
export function proofOf({ drills, configDigest, configChanged }: ProofFacts, scenario: Scenario): RunbookProof {
  const newestFirst = drills
    .filter(({ outcome, declared }) => outcome !== null && declared !== null)
    .toSorted((a, b) => ((a.declared ?? '') > (b.declared ?? '') ? -1 : 1));
  const own = newestFirst.filter((one) => one.scenario === scenario);
  const [newest] = own;
  const complete = own.filter(({ outcome }) => outcome === 'complete');
  const last = [...complete, ...own, ...newestFirst].find(isRecovery) ?? null;
  if (newest === undefined)
    return { proven: false, words: `NEVER DRILLED: nobody has tried this (${scenario}).`, last };
  const of = `${newest.runId} on ${wholeSeconds(Date.parse(newest.declared ?? '')).slice(0, 10)}`;
  if (newest.outcome !== 'complete')
    return { proven: false, words: `NOT PROVEN: the last drill, ${of}, was ${newest.outcome}.`, last };
  if (newest.config !== configDigest) {
    const since = configChanged === null ? '' : ` at ${wholeSeconds(Date.parse(configChanged))}`;
    return { proven: false, words: `NOT PROVEN since the config changed${since}: the last drill was ${of}.`, last };
  }
  return { proven: true, words: `Proven by drill ${of}.`, last };
}

function isRecovery({ sources }: DrillReport): boolean {
  return sources.some(({ restored }) => restored !== null);
}
