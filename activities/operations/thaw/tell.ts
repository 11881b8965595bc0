/** The coordinator tells whoever is named in the config that a thaw takes longer than was promised, and that it has ended all the same. */
import type { StepError } from '../../../model/run.ts';
import { thawId, type ThawReport } from '../../../model/thaw.ts';
import { thawConditions, thawKey } from '../../../model/thaw-alerts.ts';
import { readMemory } from '../../notify/memory.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import { inTurn } from '../../notify/turn.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';

export interface TellThawRequest {
  readonly site: Site;
  readonly report: ThawReport;
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export async function tellThaw({ site, report, work, ...when }: TellThawRequest): Promise<readonly StepError[]> {
  const now = when.now ?? Date.now();
  const { remindAfter } = site.config.plans.catchUp;
  return inTurn('thaws', async () => {
    const memory = await readMemory(site.state, 'thaws');
    const found = thawConditions(report, site.host, now);
    // Of other thaws nothing is known here.
    const lookedFor = ({ key }: { readonly key: string }) => key === thawKey(report);
    const run = thawId(report);
    return tellRemembered({ site, teller: 'thaws', memory, run, found, lookedFor, remindAfter, now, work });
  });
}
