/** What a thaw is about, how its objects stand now, and what each speed would take and cost. Asks for nothing. */
import { lookAt, objectsToThaw } from '../../activities/operations/thaw/objects.ts';
import { requireAuthentic, requireThawing } from '../../activities/operations/thaw/step.ts';
import type { Site } from '../../activities/site.ts';
import { pinned, type Catalogued } from '../../activities/storage/catalogue.ts';
import type { Store } from '../../activities/storage/types.ts';
import { thawConfig, type ThawConfig, type ThawSpeed } from '../../model/config/destinations/thaw.ts';
import { orderOf } from '../../model/manifest.ts';
import type { RestoreTarget } from '../../model/target.ts';
import {
  intervalOf,
  previewOf,
  requireTime,
  type SpeedPreview,
  type ThawFacts,
  type ThawInput,
  type ThawWaits,
} from '../../model/thaw.ts';

export interface ThawRequest {
  readonly site: Site;
  readonly destination: string;
  readonly store: Store;
  /** Full first. */
  readonly chain: readonly Catalogued[];
  readonly replay: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | null;
  /** As the config says when absent. */
  readonly speed?: ThawSpeed | undefined;
  readonly days?: number | undefined;
}

export interface ThawPlan {
  readonly input: ThawInput;
  readonly waits: ThawWaits;
  readonly facts: ThawFacts;
  readonly speeds: readonly SpeedPreview[];
}

/** @throws BackupError `usage` where nothing freezes, or for a speed that the place does not have; `not-authentic`, `unreachable`, `access-denied`. */
export async function planThaw(request: ThawRequest): Promise<ThawPlan> {
  const { site, destination, store, chain, replay } = request;
  const thawing = requireThawing(store, destination);
  const config = thawConfigOf(site, destination);
  const speed = request.speed ?? config.speed;
  const days = request.days ?? config.days;
  const time = requireTime(thawing.takes, speed, destination);
  const logs = replay?.logs ?? [];
  await requireAuthentic(site, [...chain, ...logs]);
  const facts = await lookAt(thawing, objectsToThaw(chain, logs));
  const backup = chain.at(-1);
  if (!backup) throw new TypeError('a thaw without a backup');
  const { retryFirst, retryMax, heartbeat, standstill } = site.config.plans.daily;
  return {
    input: {
      site: site.config.site,
      host: site.host,
      destination,
      backup: pinned(backup.manifest),
      folder: backup.folder,
      target: replay?.target ?? null,
      asOf: replay === null ? null : Math.max(...[...chain, ...logs].map(({ manifest }) => orderOf(manifest))),
      speed,
      days,
    },
    waits: { interval: intervalOf(config, time), promised: time.most, retryFirst, retryMax, heartbeat, standstill },
    facts,
    speeds: previewOf(facts, thawing.takes, { prices: config.prices, days }),
  };
}

function thawConfigOf({ config }: Site, name: string): ThawConfig {
  const destination = config.destinations[name];
  const own = destination !== undefined && 'thaw' in destination ? destination.thaw : undefined;
  return own ?? thawConfig.parse({});
}
