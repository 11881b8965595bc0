/** Which backup and logs lead to a moment: `restore --at`. */
import type { RecoveryPlan } from '../../../activities/operations/recovery.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { BackupError } from '../../../model/errors.ts';
import { formatReference } from '../../../model/reference.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { Overview } from '../../backups/overview.ts';
import type { Chosen } from './choose.ts';

/** The logs that lead from this backup to a target; those of a stranger lead nowhere. */
export async function recoverFrom(
  { entries, trusted }: Pick<Overview, 'entries' | 'trusted'>,
  from: Catalogued,
  target: RestoreTarget,
): Promise<Chosen> {
  const { planOwn } = await import('../../../activities/operations/recovery.ts');
  const catalogue = entries.map(({ backup }) => backup);
  return chosenIn(planOwn({ catalogue, source: from.manifest.source, target, from }, trusted));
}

/** The backup and logs that reach a target. */
async function recover(catalogue: readonly Catalogued[], source: string, target: RestoreTarget): Promise<Chosen> {
  const { planRecovery } = await import('../../../activities/operations/recovery.ts');
  return chosenIn(planRecovery({ catalogue, source, target }));
}

function chosenIn(plan: RecoveryPlan): Chosen {
  const base = plan.chain.at(-1);
  return {
    chain: plan.chain,
    replay: { logs: plan.logs, target: plan.target },
    reference: base ? formatReference(base.name) : '',
    latest: null,
    // Of any other target it is plain why; "end" sounds as if nothing were newer.
    told:
      plan.passed !== null && plan.target.kind === 'end'
        ? [
            `newer, but not used: ${formatReference(plan.passed.backup.name)}: ${plan.passed.why.replace(/\.$/, '')}; without --at it is restored as it is`,
          ]
        : [],
  };
}

/**
 * From a backup that nothing speaks against, where one leads as far: through the very same last logs, so that it is the same
 * history and the same moment. Else from what there is, with a word about it: a restore looks at every byte that it uses.
 */
export async function soundest(
  catalogue: readonly Catalogued[],
  source: string,
  target: RestoreTarget,
  { flawOf, isStrange }: Flaws,
): Promise<Chosen> {
  const orNone = (error: unknown) => {
    if (error instanceof BackupError) return null;
    throw error;
  };
  const newest = await recover(catalogue, source, target).catch(orNone);
  const strange = newest && [...newest.chain, ...(newest.replay?.logs ?? [])].find(isStrange);
  if (newest === null || strange) {
    // What somebody has put there neither leads anywhere nor hides what does.
    const own = catalogue.filter((backup) => !isStrange(backup));
    if (newest === null && own.length === catalogue.length) return recover(catalogue, source, target);
    const chosen = await soundest(own, source, target, { flawOf, isStrange }).catch(orNone);
    // Where nothing else is left its opening says why not.
    if (chosen === null) return newest ?? recover(catalogue, source, target);
    const what = strange ? formatReference(strange.name) : 'what lies there';
    return {
      ...chosen,
      told: [...(chosen.told ?? []), `newer, but not used: ${what} is not what a trusted key has signed`],
    };
  }
  const last = newest.chain.at(-1);
  const flaw = last ? flawOf(last) : null;
  if (flaw === null) return newest;
  const told = `${newest.reference} ${flaw}`;
  const sound = catalogue.filter((backup) => backup.manifest.kind === 'logs' || flawOf(backup) === null);
  const other = await recover(sound, source, target).catch(orNone);
  const end = newest.replay?.logs.at(-1);
  if (other !== null && end !== undefined && other.replay?.logs.at(-1) === end)
    return { ...other, told: [...(newest.told ?? []), `newer, but not used: ${told}`] };
  return { ...newest, told: [...(newest.told ?? []), `${told}; no other backup leads there from this place`] };
}

export interface Flaws {
  /** What is known to speak against a backup at this place. */
  readonly flawOf: (backup: Catalogued) => string | null;
  readonly isStrange: (backup: Catalogued) => boolean;
}
