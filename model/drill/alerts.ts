/**
 * What of drills somebody is told: one that waits for somebody, one that did not recover everything, one that took too long or lost too much, and one
 * of which plaintext is left. Pure.
 */
import type { Condition } from '../alert.ts';
import { phaseAsked } from '../graph.ts';
import { formatDuration } from '../units.ts';
import type { DrillReport } from './drill.ts';
import { missedBy } from './objectives.ts';
import { sandboxName } from './sandbox-name.ts';
import { isProvisioned, isTornDown, PROVISION, TEAR_DOWN } from './steps.ts';

const WAITING = 'drill/waiting';
const OUTCOME = 'drill/outcome';
const OBJECTIVES = 'drill/objectives';

/**
 * The keys of what a report tells of, one way or the other: how a drill ended is known at its end, and the next one's end ends it. What was left on a
 * host is gone when another one was provisioned there, which removes it first, and torn down.
 */
export function drillAlerts(report: DrillReport): ReadonlySet<string> {
  const { outcome, host, steps } = report;
  const isSwept = steps.some(({ id, state }) => id === PROVISION && state === 'done');
  return new Set([
    WAITING,
    ...(outcome === null ? [] : [OUTCOME, OBJECTIVES]),
    ...(isSwept && isTornDown(report) ? [leftOn(host)] : []),
  ]);
}

function leftOn(host: string): string {
  return `drill/left/${host}`;
}

export function drillConditions(report: DrillReport): readonly Condition[] {
  const { runId, scenario, outcome, host, steps, sources, errors } = report;
  const of = { source: null, host, once: false } as const;
  const [asked] = steps.flatMap((step) => phaseAsked(step) ?? []);
  const asking = [...(asked === undefined ? [] : [waitingCondition(report, asked)]), ...leftConditions(report)];
  if (outcome === null) return asking;
  const failed = sources.filter((source) => source.outcome !== 'complete').map(({ source }) => source);
  const why = errors[0]?.message ?? sources.flatMap((source) => source.errors)[0]?.message ?? 'see its report';
  const missed = missedBy(report);
  return [
    // Of a game day, when all is measured.
    ...asking,
    ...(outcome === 'complete'
      ? []
      : [
          {
            ...of,
            alert: 'drill-failed' as const,
            key: OUTCOME,
            message: `The drill ${runId} (${scenario}) did not recover ${failed.join(', ') || 'everything'}: ${why}`,
            remedy: `mosaic-backup drill show ${runId}`,
          },
        ]),
    ...(missed.length === 0
      ? []
      : [
          {
            ...of,
            alert: 'drill-objective-missed' as const,
            key: OBJECTIVES,
            message: `The drill ${runId} (${scenario}) missed ${missed
              .map(
                ({ of: what, objective, took, limit }) =>
                  `the ${objective.toUpperCase()} of ${what ?? 'the whole'} (${took === null ? 'not known' : formatDuration(took)}, ${formatDuration(limit)})`,
              )
              .join(', ')}.`,
            remedy: `mosaic-backup drill show ${runId} says what took how long.`,
          },
        ]),
  ];
}

function waitingCondition({ runId, scenario, host, outcome }: DrillReport, phase: string): Condition {
  const why =
    outcome === null
      ? 'waits for you, and the clock runs'
      : 'is over, and what it recovered stays up until you let it go';
  return {
    source: null,
    host,
    once: false,
    alert: 'drill-waiting',
    key: WAITING,
    message: `The drill ${runId} (${scenario}) ${why}.`,
    remedy: `mosaic-backup drill confirm ${runId} ${phase}`,
  };
}

/** Also of one that was cancelled. An operator may have skipped it. */
function leftConditions({ runId, site, host, steps }: DrillReport): readonly Condition[] {
  const torn = steps.find(({ id, state }) => id === TEAR_DOWN && (state === 'failed' || state === 'skipped'));
  if (!torn || !isProvisioned(steps)) return [];
  return [
    {
      source: null,
      host,
      once: false,
      alert: 'drill-left',
      key: leftOn(host),
      message: `The drill ${runId} is over, and could not remove what it recovered: it lies on ${host} in plaintext, and its servers may run (${torn.error?.message ?? 'nobody knows why'}).`,
      remedy: `On ${host}: restart the worker, which ends its servers, and remove the folder ${sandboxName(site, runId)} in plans.drill.scratch (absent: drills in the scratch folder beside state). The next drill there removes them, too.`,
    },
  ];
}
