/** The coordinator tells whoever is named in the config how a drill stands. */
import { drillAlerts, drillConditions } from '../../../model/drill/alerts.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import type { StepError } from '../../../model/run.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellDrillRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export function tellDrill({ site, report, now, work }: TellDrillRequest): Promise<readonly StepError[]> {
  const keys = drillAlerts(report);
  return tellRemembered({
    site,
    teller: 'drills',
    run: report.runId,
    find: () => ({ found: drillConditions(report) }),
    lookedFor: ({ key }) => keys.has(key),
    remindAfter: site.config.plans.drill.remindAfter,
    now,
    work,
  });
}
