/** The coordinator tells whoever is named in the config how a drill stands. */
import { drillAlerts, drillConditions } from '../../../model/drill/alerts.ts';
import type { DrillReport } from '../../../model/drill/drill.ts';
import type { StepError } from '../../../model/run.ts';
import { readMemory } from '../../notify/memory.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import { inTurn } from '../../notify/turn.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellDrillRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export function tellDrill({ site, report, work, ...when }: TellDrillRequest): Promise<readonly StepError[]> {
  return inTurn('drills', async () => {
    const now = when.now ?? Date.now();
    const keys = drillAlerts(report);
    const { remindAfter } = site.config.plans.drill;
    const memory = await readMemory(site.state, 'drills');
    return tellRemembered({
      site,
      teller: 'drills',
      memory,
      run: report.runId,
      found: drillConditions(report),
      lookedFor: ({ key }) => keys.has(key),
      remindAfter,
      now,
      work,
    });
  });
}
