/** The coordinator tells whoever is named in the config that a thaw takes longer than was promised, and that it has ended all the same. */
import type { StepError } from '../../../model/run.ts';
import { thawId, type ThawReport } from '../../../model/thaw.ts';
import { thawConditions, thawKey } from '../../../model/thaw-alerts.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellThawRequest {
  readonly site: Site;
  readonly report: ThawReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export function tellThaw({ site, report, now, work }: TellThawRequest): Promise<readonly StepError[]> {
  return tellRemembered({
    site,
    teller: 'thaws',
    run: thawId(report),
    find: (_memory, at) => ({ found: thawConditions(report, site.host, at) }),
    // Of other thaws nothing is known here.
    lookedFor: ({ key }) => key === thawKey(report),
    remindAfter: site.config.plans.catchUp.remindAfter,
    now,
    work,
  });
}
