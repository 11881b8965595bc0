/** The coordinator's part of catch-up: whoever is named in the config is told which destination is behind for too long. */
import type { CatchUpSpec, Delivered } from '../../../model/catch-up.ts';
import { alertAfterOf } from '../../../model/config/destination.ts';
import { copiesConditions, wasLookedAt, type CopiesLimit } from '../../../model/copies-alerts.ts';
import type { StepError } from '../../../model/run.ts';
import type { Remembered } from '../../notify/memory.ts';
import { tellPending } from '../../notify/pending.ts';
import { tellRemembered } from '../../notify/tell-remembered.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { isRemovableIn } from '../plan-run.ts';

export interface TellCopiesRequest {
  readonly site: Site;
  readonly spec: CatchUpSpec;
  readonly destinations: readonly Delivered[];
  readonly now?: number;
  readonly work: Work;
}

/** @returns the notifiers that failed. */
export async function tellCopies({
  site,
  spec,
  destinations,
  work,
  now = Date.now(),
}: TellCopiesRequest): Promise<readonly StepError[]> {
  const { remindAfter } = site.config.plans.catchUp;
  const told = { site, run: spec.runId, now, work };
  const limit = (destination: string) => limitOf(site, destination);
  const find = () => ({ found: copiesConditions(destinations, limit, now) });
  const errors = await tellRemembered({ ...told, teller: 'copies', find, lookedFor, remindAfter });
  return [...errors, ...(await tellPending(told))];

  /** What the config no longer has, nobody waits for; of a host that gave no answer nothing is over. */
  function lookedFor({ key }: Remembered): boolean {
    const [, destination = '', host] = key.split('/');
    const one = destinations.find((each) => each.destination === destination && each.host === host);
    return one === undefined ? site.config.destinations[destination] === undefined : wasLookedAt(one);
  }
}

function limitOf(site: Site, destination: string): CopiesLimit {
  const config = site.config.destinations[destination];
  const alertAfter = config === undefined ? Number.POSITIVE_INFINITY : alertAfterOf(config);
  return { alertAfter, removable: isRemovableIn(site, destination) };
}
