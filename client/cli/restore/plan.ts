/** What `restore --to` will do: which backup, from which place, how much, and how long that takes. Nothing is fetched. */
import path from 'node:path';
import { measuredAt } from '../../../activities/operations/proof/measured.ts';
import { selectPaths, type Selected } from '../../../activities/operations/browse/select.ts';
import { fromAnyPlace, isOfTheCopy } from '../../../activities/operations/restore-places.ts';
import type { Site } from '../../../activities/site.ts';
import type { Catalogued } from '../../../activities/storage/catalogue.ts';
import type { Store } from '../../../activities/storage/types.ts';
import { freezes, readableFirst } from '../../../model/config/destinations/thaw.ts';
import { BackupError } from '../../../model/errors.ts';
import { withoutExports } from '../../../model/export.ts';
import { sizes, type Manifest } from '../../../model/manifest.ts';
import { expectedTime } from '../../../model/proof/expected.ts';
import type { ThawPlan } from '../../thaw/plan.ts';
import { openPlace, REPOSITORY } from '../../backups/places.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import { choose, type Chosen } from './choose.ts';
import { refuseFrozen, thawNeeded } from './frozen.ts';
import type { RestoreOptions } from './options.ts';

export interface FolderPlan {
  readonly place: { readonly name: string; readonly destination: string | null; readonly store: Store };
  /** Places that are tried behind it. */
  readonly others: readonly string[];
  readonly chosen: Chosen;
  readonly newest: Manifest;
  /** Chain and logs. */
  readonly all: readonly Catalogued[];
  readonly to: string;
  readonly paths: readonly string[];
  /** What --path means, by the inventory; null without --path, or where that cannot be read now. */
  readonly selected: Selected | null;
  /** Bytes. */
  readonly fetched: number;
  readonly plain: number;
  /** Milliseconds; null where no restore from there was measured. */
  readonly expected: number | null;
  /** What it waits for first; null where all can be read now. */
  readonly thaw: ThawPlan | null;
}

export type FolderOptions = RestoreOptions & { readonly to: string };

/**
 * Of the nearest place that has it; with --from of that one alone.
 * @throws BackupError as `choose`; `frozen` without --thaw where it lies frozen at every place.
 */
export async function planFolder(cli: Cli, wanted: string, options: FolderOptions): Promise<FolderPlan> {
  const site = await cli.site();
  const names = options.from === undefined ? nearestFirst(site) : [options.from];
  const places = names.map((name) => ({ name }));
  const tell = (why: string): void => cli.out.note(`passed over: ${why}`);
  const first = await fromAnyPlace(places, ({ name }) => planAt(site, name, wanted, options), tell);
  const sound = options.from === undefined ? first.result.chosen.soundAt : undefined;
  const [place, plan] =
    sound === undefined ? [first.place, first.result] : [sound.place, await planAt(site, sound.place, wanted, options)];
  if (sound !== undefined) tell(sound.why);
  const others = names.slice(names.indexOf(first.place) + 1).filter((name) => name !== place);
  if (options.thaw !== undefined && plan.thaw === null)
    cli.out.note(`--thaw is not needed: ${place} can be read at once`);
  const sizes = sizesOf(cli, plan, options);
  const selected = await selectedOf(cli, plan, sizes.paths);
  const plain = selected?.bytes ?? sizes.plain;
  return { ...plan, ...sizes, plain, selected, others, expected: await expectedAt(site, plan) };
}

/** @throws BackupError `not-found` for a path that the backup does not have, with those that come near. */
async function selectedOf(
  cli: Cli,
  { place, chosen, thaw }: PlanAt,
  paths: readonly string[],
): Promise<Selected | null> {
  const backup = chosen.chain.at(-1);
  if (paths.length === 0 || thaw !== null || !backup) return null;
  const { store } = place;
  try {
    return await selectPaths({ site: await cli.site(), store, backup, paths, work: await cli.work() });
  } catch (error) {
    // A copy that does not do is told of, and passed over, by the restore itself.
    if (error instanceof BackupError && error.facts['path'] === undefined && isOfTheCopy(error.code)) return null;
    throw error;
  }
}

/** The repository, then destinations, those last that may freeze. */
export function nearestFirst({ config }: Site): readonly string[] {
  return [REPOSITORY, ...readableFirst(config.destinations)];
}

type PlanAt = Pick<FolderPlan, 'place' | 'chosen' | 'newest' | 'all' | 'thaw'>;

async function planAt(site: Site, name: string, wanted: string, options: FolderOptions): Promise<PlanAt> {
  const destination = placeOption(name) ?? null;
  const { store } = await openPlace(site, destination);
  const chosen = await choose(site, destination, wanted, options);
  const newest = chosen.chain.at(-1)?.manifest;
  if (!newest) throw new TypeError('a restore of nothing');
  requireFiles(newest, options.path ?? []);
  const own = destination === null ? undefined : site.config.destinations[destination];
  const isCold = own !== undefined && freezes(own);
  // With no place named, what can be read at once needs no --thaw.
  const { thaw: speed, ...rest } = options;
  const asked = options.from === undefined && !isCold ? rest : options;
  const frozen = { site, destination, store, chosen };
  const thaw = await thawNeeded(frozen, asked);
  if (thaw && speed === undefined && options.from === undefined) refuseFrozen(thaw, frozen);
  return {
    place: { name, destination, store },
    chosen,
    newest,
    all: [...chosen.chain, ...(chosen.replay?.logs ?? [])],
    thaw,
  };
}

function sizesOf({ cwd }: Cli, { all }: PlanAt, { to, path: paths = [] }: FolderOptions) {
  const parts = all.map(({ manifest }) => sizes(withoutExports(manifest)));
  return {
    to: path.resolve(cwd, to),
    paths: paths.map((file) => path.resolve(cwd, file)),
    plain: parts.reduce((sum, { plain }) => sum + plain, 0),
    fetched: parts.reduce((sum, { stored }) => sum + stored, 0),
  };
}

async function expectedAt(site: Site, { place, newest, all }: PlanAt): Promise<number | null> {
  const bytes = all.reduce((sum, { manifest }) => sum + sizes(withoutExports(manifest)).plain, 0);
  return expectedTime(bytes, await measuredAt(site, place.store, newest.source));
}

function requireFiles({ type }: Manifest, paths: readonly string[]): void {
  if (paths.length === 0 || type === 'files') return;
  throw new BackupError('usage', `--path is for files; this is a backup of type ${type}, which is restored whole.`, {
    remedy: 'Leave --path out, or put one database or table into a running server: --database, --table and --into.',
  });
}
