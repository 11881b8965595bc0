/** Restores of keys of the newest backup into a running server, as operations. */
import {
  withKeysPlan,
  type KeysPlan,
  type RestoreKeysRequest,
} from '../../../../activities/operations/restore-keys.ts';
import type { Moved } from '../../../../activities/sources/redis/keys.ts';
import type { Site } from '../../../../activities/site.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from '../postgres/backups.ts';

/** What of a request can be said in JSON. */
export type SaidOfKeys = Pick<RestoreKeysRequest, 'pattern' | 'into' | 'replace' | 'earlier'>;

export interface Restored extends KeysPlan {
  readonly moved: Moved;
}

/** @param meanwhile what happens between the plan and its carrying out. */
export async function restoreKeys(
  site: Site,
  said: SaidOfKeys & Pick<RestoreKeysRequest, 'onMoved'>,
  meanwhile?: () => Promise<unknown>,
): Promise<Restored> {
  const store = repositoryStore(site.repository);
  const chain = await listed(site);
  const request = { site, store, chain, source: SOURCE, database: 0, work: testWork(), ...said };
  return withKeysPlan(request, async (plan) => {
    await meanwhile?.();
    return { ...plan, moved: await plan.carryOut() };
  });
}
