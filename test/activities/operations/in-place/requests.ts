/** Restores in place of one source, as operations without Temporal. */
import {
  backUpAgain,
  planInPlace,
  restoreInPlace,
  type InPlaceRequest,
} from '../../../../activities/operations/in-place/index.ts';
import { lastRestored } from '../../../../activities/operations/in-place/record.ts';
import { planRecovery } from '../../../../activities/operations/recovery.ts';
import type { Site } from '../../../../activities/site.ts';
import { chainOf, type Catalogued } from '../../../../activities/storage/catalogue.ts';
import { repositoryStore } from '../../../../activities/storage/repository.ts';
import { formatReference } from '../../../../model/reference.ts';
import { parseTarget } from '../../../../model/target.ts';
import { testWork } from '../../../support/work.ts';
import { listed, SOURCE } from '../../sources/postgres/backups.ts';

/** What is asked for: a target as on the command line, or the backup alone; from one backup, or whichever reaches it. */
export interface Asked {
  readonly at?: string | undefined;
  readonly from?: Catalogued | undefined;
  readonly told?: string[];
}

export async function requestOf(site: Site, { at, from: asked, told = [] }: Asked): Promise<InPlaceRequest> {
  const known = (await listed(site)).filter(({ manifest }) => manifest.source === SOURCE);
  const newest = known
    .filter(({ manifest }) => manifest.kind !== 'logs')
    .toSorted((a, b) => a.manifest.finished.localeCompare(b.manifest.finished))
    .at(-1);
  const from = asked && known.find(({ folder }) => folder === asked.folder);
  const base = from ?? newest;
  if (!base) throw new Error('there is no backup');
  const plan =
    at === undefined
      ? null
      : planRecovery({ catalogue: known, source: SOURCE, target: parseTarget(at), ...(from && { from }) });
  const chain = plan?.chain ?? chainOf(known, base);
  return {
    site,
    source: SOURCE,
    store: repositoryStore(site.repository),
    chain,
    replay: plan && { logs: plan.logs, target: plan.target },
    known,
    reference: formatReference((chain.at(-1) ?? base).name),
    acceptUnsaved: false,
    last: await lastRestored({ site, source: SOURCE }),
    schedules: null,
    run: null,
    tell: (line) => void told.push(line),
    work: testWork(),
  };
}

/** Restores in place, and makes the full behind it. */
export async function inPlace(site: Site, asked: Asked = {}) {
  const request = await requestOf(site, asked);
  const result = await restoreInPlace(request, await planInPlace(request));
  await backUpAgain(request);
  return result;
}
