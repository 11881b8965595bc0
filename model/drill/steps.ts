/** The steps of a drill, as its graph shows them. */
import { CONFIRM, pendingStep, type GraphStep } from '../graph.ts';
import {
  MANUAL_PHASES,
  SCENARIO_WORDS,
  type DrillReport,
  type DrillSpec,
  type DrillStep,
  type ManualPhase,
} from './drill.ts';

/** Steps of a source. */
export const SOURCE_STEPS = ['fetch', 'restore', 'start', 'probe'] as const;
export type SourceStepName = (typeof SOURCE_STEPS)[number];

export const DECLARE = 'declare';
export const PROVISION = 'provision';
export const CHOOSE = 'choose';
export const MEASURE = 'measure';
export const REPORT = 'report';
export const TEAR_DOWN = 'tear-down';

export function sourceStepId(source: string, name: SourceStepName): string {
  return `${source}/${name}`;
}

export function confirmId(phase: ManualPhase): string {
  return `${CONFIRM}/${phase}`;
}

export function isConfirm(id: string): boolean {
  return id.startsWith(`${CONFIRM}/`);
}

/** Whether anything may have been made on the host that recovers: a host that never answered was sent no attempt. */
export function isProvisioned(steps: readonly GraphStep[]): boolean {
  return steps.some(({ id, attempts }) => id === PROVISION && attempts > 0);
}

/** The steps of one source, each after the one before; the first when those that it needs are up. */
export function drillSourceSteps({ source, after }: Pick<DrillStep, 'source' | 'after'>): readonly GraphStep[] {
  const does: Readonly<Record<SourceStepName, string>> = {
    fetch: `find the backup of ${source}, and open its key`,
    restore: `restore ${source}`,
    start: `start what ${source} needs`,
    probe: `look whether ${source} does its work again`,
  };
  const before = [CHOOSE, ...after.map((other) => sourceStepId(other, 'probe'))];
  return SOURCE_STEPS.map((name, index) => {
    const previous = SOURCE_STEPS[index - 1];
    return pendingStep(
      sourceStepId(source, name),
      name,
      does[name],
      previous ? [sourceStepId(source, previous)] : before,
    );
  });
}

/** The steps of the whole. */
export function drillSteps({ scenario, host, steps, manual }: DrillSpec): readonly GraphStep[] {
  const probes = steps.map(({ source }) => sourceStepId(source, 'probe'));
  const own = [
    pendingStep(DECLARE, 'declare', `declare: ${SCENARIO_WORDS[scenario]}`),
    pendingStep(PROVISION, 'provision', `make ${host} ready: sandbox, tools, identity`, [DECLARE]),
    pendingStep(CHOOSE, 'choose', 'choose the recovery point, and from where each source comes', [PROVISION]),
    pendingStep(MEASURE, 'measure', 'measure how long it took, and what was lost', probes),
    pendingStep(REPORT, 'report', 'write the report and the runbook', [MEASURE]),
    pendingStep(TEAR_DOWN, 'tear-down', 'end all services, and remove what was recovered', [REPORT]),
  ];
  const confirmed = MANUAL_PHASES.filter((phase) => manual.includes(phase));
  return [
    ...own,
    ...confirmed.map((phase) =>
      pendingStep(
        confirmId(phase),
        `confirm ${phase}`,
        CONFIRM_WORDS[phase],
        phase === 'probe' ? probes : [BEFORE[phase]],
      ),
    ),
  ];
}

/** Whether nothing of a drill is done any more, however it ended: that is its last step. */
export function isTornDown({ steps }: Pick<DrillReport, 'steps'>): boolean {
  return steps.some(({ id, ended }) => id === TEAR_DOWN && ended !== null);
}

const BEFORE = {
  provision: DECLARE,
  choose: PROVISION,
  restore: CHOOSE,
  probe: CHOOSE,
  'tear-down': REPORT,
} as const;

const CONFIRM_WORDS: Readonly<Record<ManualPhase, string>> = {
  provision: 'wait until somebody confirms that the machine may be made ready',
  choose: 'wait until somebody confirms that the recovery point may be chosen',
  restore: 'wait until somebody confirms what was chosen',
  probe: 'wait until somebody has looked, and confirms that everything works',
  'tear-down': 'keep everything up until somebody confirms that it may be removed',
};
