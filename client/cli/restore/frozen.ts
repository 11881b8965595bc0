/** A restore out of cold storage: what lies frozen is told before anything is fetched, or with --thaw asked for and waited for. */
import { frozen } from '../../../activities/operations/thaw/require.ts';
import { lookAt, objectsToRestore } from '../../../activities/operations/thaw/objects.ts';
import type { Site } from '../../../activities/site.ts';
import type { Store } from '../../../activities/storage/types.ts';
import { BackupError } from '../../../model/errors.ts';
import { isThawed } from '../../../model/thaw.ts';
import { planThaw, type ThawPlan } from '../../thaw/plan.ts';
import { speedOf } from '../copies/speed.ts';
import { previewText } from '../copies/thaw-text.ts';
import type { Cli } from '../context.ts';
import type { Chosen } from './choose.ts';
import type { RestoreOptions } from './options.ts';

export { previewText } from '../copies/thaw-text.ts';

export interface FrozenRequest {
  readonly site: Site;
  /** Null for the repository. */
  readonly destination: string | null;
  readonly store: Store;
  readonly chosen: Chosen;
}

/**
 * What a restore from there waits for first; null where all that it reads can be read now.
 * @throws BackupError `usage` for a speed that there is not.
 */
export async function thawNeeded(request: FrozenRequest, options: RestoreOptions): Promise<ThawPlan | null> {
  const { site, destination, store, chosen } = request;
  if (destination === null || store.thawing === undefined) {
    if (options.thaw === undefined) return null;
    throw new BackupError(
      'usage',
      `--thaw is for cold storage: ${destination ?? 'the repository'} can be read at once.`,
      {
        remedy: 'Leave it out.',
      },
    );
  }
  const { chain, replay } = chosen;
  const speed = options.thaw === undefined ? undefined : speedOf(options.thaw);
  if (isThawed(await lookAt(store.thawing, objectsToRestore([...chain, ...(replay?.logs ?? [])])))) return null;
  return planThaw({ site, destination, store, chain, replay, speed });
}

/**
 * Waits until it is readable; false after ^C.
 * @throws BackupError `frozen` without --thaw.
 */
export async function thawed(
  cli: Cli,
  plan: ThawPlan,
  { chosen }: FrozenRequest,
  options: RestoreOptions,
): Promise<boolean> {
  cli.out.note(previewText(plan));
  if (options.thaw === undefined) return refuseFrozen(plan, { chosen });
  // It loads Temporal, which no other restore needs.
  const { waitForThaw } = await import('../copies/thaw-wait.ts');
  return (await waitForThaw(cli, plan)) !== null;
}

/** @throws BackupError `frozen`, with what brings it back. */
export function refuseFrozen(plan: ThawPlan, { chosen }: Pick<FrozenRequest, 'chosen'>): never {
  const backup = chosen.chain.at(-1);
  if (!backup) throw new TypeError('a restore without a backup');
  const also = ` The same restore with --thaw ${plan.input.speed} does that, and then restores.`;
  throw frozen(plan.input.destination, backup, plan.facts, { target: plan.input.target, also });
}
