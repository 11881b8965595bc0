/** Which backup and logs `restore` takes. */
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { namedSources } from '../../../model/config/own-source.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { Latest } from '../../backups/choose.ts';
import type { RestoreOptions } from './options.ts';

/** What is to be restored. */
export interface Chosen {
  /** Full first. */
  readonly chain: readonly Catalogued[];
  /** Logs to replay on it; null without --at. */
  readonly replay: { readonly logs: readonly Catalogued[]; readonly target: RestoreTarget } | null;
  readonly reference: string;
  readonly latest: Latest | null;
  /** What is to be said of the choice before anything is fetched. */
  readonly told?: readonly string[];
}

/** Chooses the backup, the chain it builds on, and the logs that reach the target. */
export async function choose(
  site: Site,
  destination: string | null,
  wanted: string,
  options: RestoreOptions,
): Promise<Chosen> {
  const [{ isAuthentic, readOverview }, choosing, { chainOf }, { REPOSITORY }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../../activities/storage/catalogue.ts'),
    import('../../backups/places.ts'),
  ]);
  const target = await targetOf(options);
  const overview = await readOverview(site, destination);
  const catalogue = overview.entries.map(({ backup }) => backup);
  if (wanted !== choosing.LATEST_REFERENCE) {
    const { backup, reference } = choosing.chooseByReference(overview, wanted, options.source);
    if (target) return recover(catalogue, backup.manifest.source, target, backup);
    return { chain: chainOf(catalogue, backup), replay: null, reference, latest: null };
  }
  if (target) {
    const source = await sourceOf(site, options.source);
    choosing.requireSource(site, overview, source);
    const byBackup = new Map(overview.entries.map((entry) => [entry.backup, entry]));
    const flawOf = (backup: Catalogued) => {
      const entry = byBackup.get(backup);
      return entry ? choosing.flawOf(overview, entry, destination ?? REPOSITORY) : null;
    };
    const isStrange = (backup: Catalogued) => !isAuthentic(overview, backup);
    return soundest(catalogue, source, target, { flawOf, isStrange });
  }
  const latest = choosing.latestOf(overview, await sourceOf(site, options.source), destination ?? REPOSITORY);
  choosing.requireYoung(latest, site.config.sources[latest.entry.source]?.objectives?.rpo, options.acceptAge ?? false);
  const { reference, backup } = latest.entry;
  return { chain: chainOf(catalogue, backup), replay: null, reference, latest };
}

/** Where the recovery is to stop; undefined where none was asked for. */
async function targetOf({ at, before }: RestoreOptions): Promise<RestoreTarget | undefined> {
  if (at === undefined && before === undefined) return undefined;
  const [{ parseTarget }, { BackupError }] = await Promise.all([
    import('../../../model/target.ts'),
    import('../../../model/errors.ts'),
  ]);
  if (before === undefined) return parseTarget(at ?? '');
  if (at !== undefined)
    throw new BackupError('usage', 'Either --at or --before: a recovery stops once.', {
      remedy: 'Leave one of them out: --at GTID replays that transaction too, --before GTID stops right before it.',
    });
  const target = parseTarget(before);
  if (target.kind === 'position') return { kind: 'before', position: target.position };
  throw new BackupError('usage', `"${before}" is no GTID.`, { remedy: 'Write one as in 0-1-42.' });
}

/** The backup and logs that reach a target. `from`: of this backup alone. */
async function recover(
  catalogue: readonly Catalogued[],
  source: string,
  target: RestoreTarget,
  from?: Catalogued,
): Promise<Chosen> {
  const [{ planRecovery }, { formatReference }] = await Promise.all([
    import('../../../activities/operations/recovery.ts'),
    import('../../../model/reference.ts'),
  ]);
  const plan = planRecovery({ catalogue, source, target, ...(from && { from }) });
  const base = plan.chain.at(-1);
  return {
    chain: plan.chain,
    replay: { logs: plan.logs, target: plan.target },
    reference: base ? formatReference(base.name) : '',
    latest: null,
    // Of any other target it is plain why; "end" sounds as if nothing were newer.
    told:
      plan.passed !== null && target.kind === 'end'
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
async function soundest(
  catalogue: readonly Catalogued[],
  source: string,
  target: RestoreTarget,
  { flawOf, isStrange }: Flaws,
): Promise<Chosen> {
  const { BackupError } = await import('../../../model/errors.ts');
  const orNone = (error: unknown) => {
    if (error instanceof BackupError) return null;
    throw error;
  };
  const newest = await recover(catalogue, source, target);
  const strange = [...newest.chain, ...(newest.replay?.logs ?? [])].find(isStrange);
  if (strange) {
    // What somebody has put there neither leads anywhere nor hides what does. Where nothing else is left its opening says why not.
    const own = catalogue.filter((backup) => !isStrange(backup));
    const chosen = await soundest(own, source, target, { flawOf, isStrange }).catch(orNone);
    const { formatReference } = await import('../../../model/reference.ts');
    const told = `newer, but not used: ${formatReference(strange.name)} is not what a trusted key has signed`;
    return chosen === null ? newest : { ...chosen, told: [...(chosen.told ?? []), told] };
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

interface Flaws {
  /** What is known to speak against a backup at this place. */
  readonly flawOf: (backup: Catalogued) => string | null;
  readonly isStrange: (backup: Catalogued) => boolean;
}

/** `latest` is of one source; where the site has only one, it need not be said. */
export async function sourceOf(site: Site, source: string | undefined): Promise<string> {
  if (source !== undefined) return source;
  const [only, ...others] = Object.keys(namedSources(site.config.sources));
  if (only !== undefined && others.length === 0) return only;
  const { BackupError } = await import('../../../model/errors.ts');
  throw new BackupError('usage', '"latest" is the latest of one source: which one is not said.', {
    remedy: `Add --source, one of: ${Object.keys(site.config.sources).join(', ')}.`,
  });
}
