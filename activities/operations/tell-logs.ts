/** The coordinator's part of a tick: whoever is named in the config is told what is wrong with the shipping of logs. */
import type { AlertName } from '../../model/alert.ts';
import { conditions, freshness } from '../../model/logs-alerts.ts';
import type { LogsSpec } from '../../model/logs-run.ts';
import type { SourceReport, StepError } from '../../model/run.ts';
import type { Memory, Remembered } from '../notify/memory.ts';
import { tellRemembered, type Found } from '../notify/tell-remembered.ts';
import type { Site } from '../site.ts';
import type { Work } from '../work.ts';

export interface TellLogsRequest {
  readonly site: Site;
  readonly spec: LogsSpec;
  readonly sources: readonly SourceReport[];
  readonly now?: number;
  readonly work: Work;
}

/** What is seen on the server alone is not over because the server, or its host, gave no answer. */
function isLookedAt(alert: AlertName, { logs }: SourceReport): boolean {
  if (alert === 'server-space' || alert === 'slot-behind') return Boolean(logs?.server);
  // Only a shipping looks into the spool.
  if (alert === 'logs-stray') return Boolean(logs?.shipped);
  if (alert === 'logs-missing') return logs?.missing !== undefined;
  return alert !== 'logs-conflict' || logs !== null;
}

/**
 * Tells of what is new, and again of what has lasted long. What was told is remembered after it was told: a death in
 * between tells it twice rather than never.
 * @returns the notifiers that failed; the shipping itself is none of their business.
 */
export function tellLogs({ site, spec, sources, now, work }: TellLogsRequest): Promise<readonly StepError[]> {
  const { every, stalledAfter, spareSpace, serverSpace, slotUse, remindAfter } = site.config.plans.logs;
  const thresholds = { stalled: every * stalledAfter, space: spareSpace, serverSpace, slotUse };
  return tellRemembered({ site, teller: 'logs', run: spec.runId, find, lookedFor, remindAfter, now, work });

  function find(before: Memory, at: number): Found {
    const fresh = freshness({ sources, fresh: before.fresh, now: at });
    return { found: conditions({ spec, sources, fresh, now: at }, thresholds), fresh };
  }

  /** A run of some sources says nothing of the others, nor of hosts that did not answer. */
  function lookedFor({ alert, source, host }: Remembered): boolean {
    if (alert === 'little-space')
      return sources.some(
        ({ logs, source: of }) => logs && spec.steps.some((step) => step.source === of && step.host === host),
      );
    return sources.some(
      (report) =>
        (report.source === source && isLookedAt(alert, report)) ||
        (alert === 'server-space' && report.logs?.beside?.some((other) => other.source === source)),
    );
  }
}
