/** Whether a drill has proven a runbook. Pure. */
import { wholeSeconds } from '../time.ts';
import type { DrillReport, Scenario } from './drill.ts';
import type { RunbookFacts } from './runbook.ts';
import { isWhole } from './whole.ts';

export interface RunbookProof {
  readonly proven: boolean;
  readonly words: string;
  /**
   * The drill that commands and times are taken from: the last of the scenario that brought everything back, else the last that was complete, else the last
   * that recovered anything; null where none did.
   */
  readonly last: DrillReport | null;
}

type ProofFacts = Pick<RunbookFacts, 'config' | 'drills' | 'drillsUnread' | 'configDigest' | 'configChanged'>;

/**
 * Proven is what the last drill of the scenario did to its end, by the config as it is. One that was asked for some sources alone, and brought them
 * back, proves nothing of the others, and takes nothing from a whole one before it.
 */
export function proofOf(facts: ProofFacts, scenario: Scenario): RunbookProof {
  const { config, drills, configDigest, configChanged } = facts;
  const newestFirst = drills
    .filter(({ outcome, declared }) => outcome !== null && declared !== null)
    .toSorted((a, b) => ((a.declared ?? '') > (b.declared ?? '') ? -1 : 1));
  const own = newestFirst.filter((one) => one.scenario === scenario);
  const whole = own.filter((one) => isWhole(one, config));
  const complete = own.filter(({ outcome }) => outcome === 'complete');
  const last = [...whole, ...complete, ...own, ...newestFirst].find(isRecovery) ?? null;
  const newest = own.find((one) => one.outcome !== 'complete' || isWhole(one, config)) ?? own[0];
  if (newest === undefined)
    return { proven: false, words: `NEVER DRILLED: nobody has tried this (${scenario})${asFarAs(facts)}.`, last };
  const of = `${newest.runId} on ${wholeSeconds(Date.parse(newest.declared ?? '')).slice(0, 10)}`;
  if (newest.outcome !== 'complete')
    return { proven: false, words: `NOT PROVEN: the last drill, ${of}, was ${newest.outcome}.`, last };
  if (!isWhole(newest, config)) {
    const recovered = newest.sources.map(({ source }) => source).join(', ');
    return { proven: false, words: `NOT PROVEN: the last drill, ${of}, recovered only ${recovered}.`, last };
  }
  if (newest.config !== configDigest) {
    const since = configChanged === null ? '' : ` at ${wholeSeconds(Date.parse(configChanged))}`;
    return { proven: false, words: `NOT PROVEN since the config changed${since}: the last drill was ${of}.`, last };
  }
  return { proven: true, words: `Proven by drill ${of}.`, last };
}

/** A place that is away may have the very drill that proves it. */
function asFarAs({ drillsUnread }: ProofFacts): string {
  const places = [...new Set(drillsUnread.map(({ place }) => place))];
  return places.length === 0
    ? ''
    : `, as far as is known: not all that drills left at ${places.join(', ')} could be read`;
}

function isRecovery({ sources }: DrillReport): boolean {
  return sources.some(({ restored }) => restored !== null);
}
