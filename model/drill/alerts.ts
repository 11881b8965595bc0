/** What of drills somebody is told: one that waits for somebody, one that did not recover everything, and one that took too long or lost too much. Pure. */
import type { Condition } from '../alert.ts';
import { phaseAsked } from '../graph.ts';
import { formatDuration } from '../units.ts';
import type { DrillReport } from './drill.ts';
import { missedBy } from './objectives.ts';

const WAITING = 'drill/waiting';
const OUTCOME = 'drill/outcome';
const OBJECTIVES = 'drill/objectives';

/** The keys of what a report tells of, one way or the other: how a drill ended is known at its end, and the next one's end ends it. */
export function drillAlerts({ outcome }: DrillReport): ReadonlySet<string> {
  return new Set(outcome === null ? [WAITING] : [WAITING, OUTCOME, OBJECTIVES]);
}

export function drillConditions(report: DrillReport): readonly Condition[] {
  const { runId, scenario, outcome, host, steps, sources, errors } = report;
  const of = { source: null, host, once: false } as const;
  const [asked] = steps.flatMap((step) => phaseAsked(step) ?? []);
  const asking = asked === undefined ? [] : [waitingCondition(report, asked)];
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
