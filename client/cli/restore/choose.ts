/** Which backup and logs `restore` takes. */
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import { freezes } from '../../../model/config/destinations/thaw.ts';
import { namedSources } from '../../../model/config/own-source.ts';
import type { RestoreTarget } from '../../../model/target.ts';
import type { Latest } from '../../backups/choose.ts';
import { recoverFrom, soundest } from './recovery.ts';
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
  /** Where a newer one, whose copy here is damaged, has one that nothing speaks against. */
  readonly soundAt?: { readonly place: string; readonly reference: string; readonly why: string } | undefined;
}

/** Chooses the backup, the chain it builds on, and the logs that reach the target. */
export async function choose(
  site: Site,
  destination: string | null,
  wanted: string,
  options: RestoreOptions,
): Promise<Chosen> {
  const [{ isAuthentic, readOverview }, choosing, { requireYoung }, { chainOf }, { REPOSITORY }] = await Promise.all([
    import('../../backups/overview.ts'),
    import('../../backups/choose.ts'),
    import('../../backups/young.ts'),
    import('../../../activities/storage/catalogue.ts'),
    import('../../backups/places.ts'),
  ]);
  const target = await targetOf(options);
  // What is named at a place that is named: nothing that another one knows makes it another backup.
  const alone = wanted !== choosing.LATEST_REFERENCE && options.from !== undefined;
  const overview = await readOverview(site, destination, { alone });
  const catalogue = overview.entries.map(({ backup }) => backup);
  if (wanted !== choosing.LATEST_REFERENCE) {
    const { backup, reference } = choosing.chooseByReference(overview, wanted, options.source);
    if (target) return recoverFrom(overview, backup, target);
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
  const found = choosing.latestOf(overview, await sourceOf(site, options.source), destination ?? REPOSITORY);
  const elsewhere = choosing.elsewhereSince(overview, found.entry);
  const latest = elsewhere === undefined ? found : { ...found, newer: [elsewhere, ...found.newer] };
  const { reference, backup } = latest.entry;
  const others = [REPOSITORY, ...namesThatNeverFreeze(site)].filter((name) => name !== (destination ?? REPOSITORY));
  const soundAt =
    options.from === undefined
      ? choosing.soundElsewhere(overview, latest.entry, { here: destination ?? REPOSITORY, others })
      : undefined;
  const objective = site.config.sources[latest.entry.source]?.objectives?.rpo;
  if (!soundAt) requireYoung(latest, objective, options.acceptAge ?? false);
  return { chain: chainOf(catalogue, backup), replay: null, reference, latest, soundAt };
}

function namesThatNeverFreeze({ config }: Site): readonly string[] {
  return Object.entries(config.destinations).flatMap(([name, destination]) => (freezes(destination) ? [] : [name]));
}

/** Where the recovery is to stop; undefined where none was asked for. @throws BackupError `usage`. */
export async function targetOf({
  at,
  before,
}: Pick<RestoreOptions, 'at' | 'before'>): Promise<RestoreTarget | undefined> {
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
