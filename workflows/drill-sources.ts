/** The recovery of all sources of a drill: each a child once those that it needs are up, or have failed; so many are restored at a time. */
import { CancellationScope, condition, setHandler, startChild } from '@temporalio/workflow';
import type { DrillChoice, DrilledSource, DrillInput, DrillSpec, DrillStep } from '../model/drill/drill.ts';
import { CHOOSE, drillSourceSteps } from '../model/drill/steps.ts';
import { drillSource } from './drill-source.ts';
import { restoreEnded } from './messages.ts';
import { unended, unfinishedBy } from './run-reports.ts';
import { HOST, PLAN, SITE, SOURCE } from './search-attributes.ts';

export interface RecoverSources {
  /** Of the drill. */
  readonly id: string;
  readonly plan: string;
  readonly spec: DrillSpec;
  readonly input: DrillInput;
  readonly choice: DrillChoice;
  /** As they stand: what became of each is put there. */
  readonly sources: Map<string, DrilledSource>;
  readonly changed: () => void;
}

/** The large ones first: then none of them is waited for alone at the end. A failure stays with its source. */
export async function recoverSources(request: RecoverSources): Promise<void> {
  const { spec, choice, sources, changed } = request;
  const ended = new Set<string>();
  const restoring = new Set<string>();
  setHandler(restoreEnded, (source) => void restoring.delete(source));
  const bytes = new Map(choice.sources.map((one) => [one.source, one.bytes]));
  const size = ({ source }: DrillStep): number => bytes.get(source) ?? 0;
  const all = spec.steps.toSorted((a, b) => size(b) - size(a)).map(start);
  try {
    await Promise.all(all);
  } catch (error) {
    // Cancelled: what is recovered is removed once nobody works there any more.
    await Promise.allSettled(all);
    throw error;
  }

  async function start(step: DrillStep): Promise<void> {
    const { source, after } = step;
    const isReady = (): boolean => after.every((other) => ended.has(other)) && restoring.size < spec.beside;
    // Several wait for the same place, and another one may have taken it.
    while (!isReady()) await condition(isReady);
    restoring.add(source);
    try {
      sources.set(source, await recoverSource(request, step));
    } finally {
      restoring.delete(source);
      ended.add(source);
    }
    changed();
  }
}

async function recoverSource(
  { id, plan, spec, input, choice, sources }: RecoverSources,
  step: DrillStep,
): Promise<DrilledSource> {
  const { source, type } = step;
  const { site, host, notified } = spec;
  const chosen = choice.sources.find((one) => one.source === source);
  const before = (): DrilledSource => sources.get(source) ?? pendingSource(step);
  if (!chosen) {
    const why = choice.lacking.find((one) => one.source === source)?.why ?? 'nothing was chosen';
    const error = { step: CHOOSE, code: 'not-found', message: why, remedy: 'See mosaic-backup list, and status.' };
    return { ...before(), outcome: 'failed', errors: [error] };
  }
  try {
    const child = await startChild(drillSource, {
      workflowId: `${id}/${source}`,
      args: [{ site, input, step, chosen, disaster: choice.disaster, notified }],
      typedSearchAttributes: [
        { key: SITE, value: site },
        { key: PLAN, value: plan },
        { key: SOURCE, value: source },
        { key: HOST, value: host },
      ],
      staticSummary: `${source}: ${type}, recovered on ${host}`,
    });
    return await child.result();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    const unfinished = unfinishedBy(error);
    const known = before();
    const steps = known.steps.map((one) => unended(one, unfinished));
    return { ...known, outcome: 'failed', errors: [unfinished], steps };
  }
}

/** One that has not begun. */
export function pendingSource(step: DrillStep): DrilledSource {
  const { source, type, objectives, after } = step;
  return {
    source,
    type,
    objectives,
    after,
    outcome: null,
    choice: null,
    restored: null,
    started: null,
    probes: [],
    rto: null,
    losses: [],
    steps: drillSourceSteps(step),
    errors: [],
  };
}
