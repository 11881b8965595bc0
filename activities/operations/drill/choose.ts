/** What a drill recovers: of each source the newest backup that a recovery point names and a place still has, from the nearest that has it, and its logs. */
import { readableFirst } from '../../../model/config/destinations/thaw.ts';
import type { DrillChoice, DrillChosen, DrillInput } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { latestPoint } from '../../../model/latest-point.ts';
import { orderOf, type Manifest } from '../../../model/manifest.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import { formatReference, runTimeOf, type PinnedReference } from '../../../model/reference.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { selectorOf } from '../../sources/index.ts';
import {
  chainOf,
  findPinned,
  pinned,
  readCatalogue,
  type Catalogued,
  type CatalogueProblem,
} from '../../storage/catalogue.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { readRecoveryPoints } from '../../storage/recovery-points.ts';
import type { Destination, Store } from '../../storage/types.ts';
import { isReadable } from '../proof/provable.ts';
import { plainBytes } from '../restore.ts';
import { disasterOf } from './disaster.ts';
import { openWithUnlocked, whyUnlocked } from './locked.ts';
import { passedOver } from './passed-over.ts';
import { narrowSandbox, openLeft } from './sandbox.ts';

/** A place that is left. */
export interface Left {
  readonly name: string;
  readonly store: Store & Pick<Partial<Destination>, 'lockedUntil'>;
  /** What in it is signed by the site. */
  readonly catalogue: readonly Catalogued[];
  readonly points: readonly RecoveryPoint[];
  /** Folders of what should be a backup, and is none that counts. */
  readonly problems: readonly CatalogueProblem[];
}

export async function chooseDrill(site: Site, input: DrillInput): Promise<DrillChoice> {
  let left = await openLeft(site, input);
  let { places, passed } = await lookAround(left);
  const disaster = disasterOf(places, input);
  if (input.scenario === 'ransomware' && input.at === null) {
    await narrowSandbox(site, input, disaster);
    left = await openLeft(site, input);
    ({ places, passed } = await lookAround(left));
  }
  const points = pointsUntil(places, disaster);
  const sources: DrillChosen[] = [];
  const lacking: { source: string; why: string }[] = [];
  for (const { source } of input.steps) {
    const chosen = await chooseSource({ left, source, places, points, disaster, input, passed });
    if (typeof chosen === 'string') lacking.push({ source, why: chosen });
    else sources.push(chosen);
  }
  const wanted = input.steps.map(({ source }) => source);
  return { disaster, point: latestPoint(points, wanted)?.point.id ?? null, sources, lacking, passed };
}

/** @param left the site as the scenario left it. */
async function lookAround(left: Site): Promise<{ readonly places: readonly Left[]; readonly passed: string[] }> {
  const passed: string[] = [];
  const places: Left[] = [];
  const trusted = await trustedKeys(left);
  for (const name of [REPOSITORY, ...readableFirst(left.config.destinations)]) {
    try {
      places.push(await lookAt(left, name, trusted));
    } catch (error) {
      if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
      passed.push(`${name}: ${error.message}`);
    }
  }
  return { places, passed };
}

async function lookAt(left: Site, name: string, trusted: readonly TrustedKey[]): Promise<Left> {
  const store = await openWithUnlocked(left, name);
  const [{ backups, problems }, { read }] = await Promise.all([
    readCatalogue(store),
    readRecoveryPoints(store, trusted),
  ]);
  const isGood = ({ manifest }: Catalogued): boolean => manifestVerdict(manifest, trusted) === 'good';
  const strange = backups.filter((one) => !isGood(one)).map(({ folder }) => ({ folder, problem: STRANGE }));
  return { name, store, catalogue: backups.filter(isGood), points: read, problems: [...problems, ...strange] };
}

const STRANGE = 'no key that is trusted here has signed it as it is.';

/** Newest first, each once. One that no lock keeps counts too: without it the same backups would be found, by their age. */
function pointsUntil(places: readonly Left[], disaster: string): readonly RecoveryPoint[] {
  const all = new Map(places.flatMap(({ points }) => points.map((point) => [`${point.id} ${point.created}`, point])));
  return [...all.values()]
    .filter(({ created }) => isBy(created, disaster))
    .toSorted((a, b) => (a.created > b.created ? -1 : 1));
}

/** As times, and not as texts: of one second `…:00Z` sorts behind `…:00.500Z`. */
function isBy(time: string, disaster: string): boolean {
  return Date.parse(time) <= Date.parse(disaster);
}

interface Choosing {
  readonly left: Site;
  readonly source: string;
  readonly places: readonly Left[];
  readonly points: readonly RecoveryPoint[];
  readonly disaster: string;
  readonly input: DrillInput;
  /** What is not used, and why: for the report. */
  readonly passed: string[];
}

/** Why there is nothing, in words, where there is nothing. */
async function chooseSource(choosing: Choosing): Promise<DrillChosen | string> {
  const { left, source, places, points, disaster, input, passed } = choosing;
  const tell = (why: string): void => {
    if (!passed.includes(why)) passed.push(why);
  };
  const named = points.flatMap(({ created, sources }) =>
    sources.filter((one) => one.source === source).map((entry) => ({ created, entry })),
  );
  // The newest run of this source, and of no other: plans have sources of their own, and runs may have single ones.
  const [last] = named;
  const made = last?.entry.stale === false && last.entry.backup ? runTimeOf(last.entry.backup.reference) : null;
  const candidates = [
    ...named
      .flatMap(({ entry: { backup } }) => backup ?? [])
      // That of the archive, for one, takes a full of the last seven days.
      .toSorted((a, b) => runTimeOf(b.reference).localeCompare(runTimeOf(a.reference)))
      .map((backup) => ({ backup, stale: made === null || runTimeOf(backup.reference) < made })),
    // What no recovery point that is left names is better than nothing.
    ...newestUntil(places, source, disaster).map((manifest) => ({
      backup: pinned(manifest),
      stale: last !== undefined && isBy(manifest.finished, last.created),
    })),
  ];
  const absent: PinnedReference[] = [];
  let frozen = false;
  const unlocked = new Set<string>();
  const broken = new Set<string>();
  for (const { backup, stale } of candidates) {
    const having = await placesWith(places, backup, input);
    frozen ||= having.frozen.length > 0;
    for (const why of having.unlocked) unlocked.add(why);
    for (const why of having.broken) broken.add(why);
    for (const why of [...having.unlocked, ...having.broken]) tell(why);
    const [first, ...others] = having.whole;
    const newest = first?.chain.at(-1);
    if (!first || !newest) {
      for (const place of having.frozen) tell(`${place}: ${backup.reference} lies frozen`);
      if (having.isAbsent) absent.push(backup);
      continue;
    }
    const trusted = await trustedKeys(left);
    const isBefore = (finished: string): boolean => isBy(finished, disaster);
    const references = new Set(points.flatMap((point) => point.sources.map((one) => one.backup?.reference ?? '')));
    for (const why of await passedOver({ places, trusted, chosen: newest, absent, named: references, isBefore }))
      tell(why);
    return {
      source,
      backup,
      stale,
      place: placeOf(first.place),
      others: others.map(({ place }) => placeOf(place)),
      at: await replayedTo(first.place, newest, choosing),
      taken: newest.manifest.started,
      bytes: plainBytes(first.chain),
    };
  }
  if (unlocked.size > 0) return `no backup of it is locked: ${[...unlocked][0]}`;
  if (frozen) return 'what is left of it lies frozen in cold storage: mosaic-backup copies thaw';
  if (candidates.length === 0) return 'no backup of it is left';
  return ['no place that is left has a backup of it whole', ...[...broken].slice(0, 1)].join(': ');
}

function placeOf({ name }: Left): string | null {
  return name === REPOSITORY ? null : name;
}

function newestUntil(places: readonly Left[], source: string, disaster: string): readonly Manifest[] {
  return places
    .flatMap(({ catalogue }) => catalogue.map(({ manifest }) => manifest))
    .filter((one) => one.source === source && one.kind !== 'logs' && isBy(one.finished, disaster))
    .toSorted((a, b) => orderOf(b) - orderOf(a));
}

interface Having {
  readonly whole: readonly { readonly place: Left; readonly chain: readonly Catalogued[] }[];
  /** Names of places that have it, where it cannot be read at once. */
  readonly frozen: readonly string[];
  /** Places that have it, and what of it whoever has the worker's credentials can take there. */
  readonly unlocked: readonly string[];
  /** Places that have it, and why what they have does not do. */
  readonly broken: readonly string[];
  /** No place has anything of its name. */
  readonly isAbsent: boolean;
}

/** In the order of the places. */
async function placesWith(places: readonly Left[], backup: PinnedReference, { scenario }: DrillInput): Promise<Having> {
  const whole: { place: Left; chain: readonly Catalogued[] }[] = [];
  const unlocked: string[] = [];
  const broken: string[] = [];
  const frozen: string[] = [];
  let isAbsent = true;
  for (const place of places) {
    const chain = chainAt(place, backup);
    if (chain === undefined) continue;
    isAbsent = false;
    if (typeof chain === 'string') {
      broken.push(chain);
      continue;
    }
    const why = scenario === 'ransomware' ? [...(await whyUnlocked(place, chain)).values()] : [];
    unlocked.push(...why);
    if (why.length > 0) continue;
    if (await isReadable(place.store, chain)) whole.push({ place, chain });
    else frozen.push(place.name);
  }
  return { whole, frozen, unlocked, broken, isAbsent };
}

/** Undefined where it is not there; in words, where what is there does not do: another one bears its name, or one that it builds on is gone. */
function chainAt({ name, catalogue }: Left, backup: PinnedReference): readonly Catalogued[] | string | undefined {
  if (!catalogue.some((one) => formatReference(one.name) === backup.reference)) return undefined;
  try {
    return chainOf(catalogue, findPinned(catalogue, backup));
  } catch (error) {
    if (error instanceof BackupError) return `${name}: ${error.message}`;
    throw error;
  }
}

/**
 * How far its logs are replayed: to the disaster, or as far as they went when it was declared. Never to an end that is still to come: production
 * goes on, and what it ships while the drill recovers would not have been there. Null where none follow it there.
 */
async function replayedTo(
  place: Left,
  { manifest }: Catalogued,
  { disaster, input: { scenario }, passed }: Choosing,
): Promise<string | null> {
  const select = selectorOf(manifest.type);
  if (select === undefined) return null;
  const { source, started } = manifest;
  const shipped = place.catalogue.filter(
    ({ manifest: one }) => one.source === source && one.kind === 'logs' && one.finished >= started,
  );
  // Those behind one that no lock keeps lead nowhere without it.
  const unlocked = scenario === 'ransomware' ? await whyUnlocked(place, shipped) : new Map<Catalogued, string>();
  passed.push(...unlocked.values());
  const logs = shipped.filter((one) => !unlocked.has(one)).map((one) => one.manifest);
  const selectionTo = (time: string) => select(manifest, logs, { kind: 'time', time });
  const selection = selectionTo(disaster);
  if (selection.reached) return selection.logs.length > 0 ? disaster : null;
  const { until } = selection;
  return until !== null && selectionTo(until).reached ? until : null;
}
