/** What a drill recovers: of each source the backup of the newest recovery point that is left, from the nearest place that has it, and its logs. */
import { readableFirst } from '../../../model/config/destinations/thaw.ts';
import type { DrillChoice, DrillChosen, DrillInput } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import { orderOf } from '../../../model/manifest.ts';
import { expectedTime } from '../../../model/proof/expected.ts';
import type { RecoveryPoint } from '../../../model/recovery-point.ts';
import type { PinnedReference } from '../../../model/reference.ts';
import { REPOSITORY } from '../../../model/rotation.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { TrustedKey } from '../../keys/signing.ts';
import type { Site } from '../../site.ts';
import { selectorOf } from '../../sources/index.ts';
import { chainOf, findPinned, listBackups, pinned, type Catalogued } from '../../storage/catalogue.ts';
import { manifestVerdict } from '../../storage/manifest-file.ts';
import { readRecoveryPoints } from '../../storage/recovery-points.ts';
import type { Store } from '../../storage/types.ts';
import { openPlaceNamed } from '../keys/places.ts';
import { measuredAt } from '../proof/measured.ts';
import { isReadable } from '../proof/provable.ts';
import { plainBytes } from '../restore.ts';
import { disasterOf } from './disaster.ts';

/** A place that is left. */
export interface Left {
  readonly name: string;
  readonly store: Store;
  /** What in it is signed by the site. */
  readonly catalogue: readonly Catalogued[];
  readonly points: readonly RecoveryPoint[];
}

/** @param left the site as the scenario left it. */
export async function chooseDrill(left: Site, input: DrillInput): Promise<DrillChoice> {
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
  const disaster = disasterOf(places, input);
  const points = pointsUntil(places, disaster);
  const sources: DrillChosen[] = [];
  const lacking: { source: string; why: string }[] = [];
  for (const { source } of input.steps) {
    const chosen = await chooseSource({ left, source, places, points, disaster });
    if (typeof chosen === 'string') lacking.push({ source, why: chosen });
    else sources.push(chosen);
  }
  return { disaster, point: points[0]?.id ?? null, sources, lacking, passed };
}

async function lookAt(left: Site, name: string, trusted: readonly TrustedKey[]): Promise<Left> {
  const store = await openPlaceNamed(left, name);
  const [catalogue, { read }] = await Promise.all([listBackups(store), readRecoveryPoints(store, trusted)]);
  const good = catalogue.filter(({ manifest }) => manifestVerdict(manifest, trusted) === 'good');
  return { name, store, catalogue: good, points: read };
}

/** Newest first, each once. */
function pointsUntil(places: readonly Left[], disaster: string): readonly RecoveryPoint[] {
  const all = new Map(places.flatMap(({ points }) => points.map((point) => [`${point.id} ${point.created}`, point])));
  return [...all.values()]
    .filter(({ created }) => created <= disaster)
    .toSorted((a, b) => (a.created > b.created ? -1 : 1));
}

interface Choosing {
  readonly left: Site;
  readonly source: string;
  readonly places: readonly Left[];
  readonly points: readonly RecoveryPoint[];
  readonly disaster: string;
}

/** Why there is nothing, in words, where there is nothing. */
async function chooseSource({ left, source, places, points, disaster }: Choosing): Promise<DrillChosen | string> {
  const candidates = [
    ...points.flatMap((point) => {
      const entry = point.sources.find((one) => one.source === source);
      return entry?.backup ? [{ backup: entry.backup, stale: entry.stale || point !== points[0] }] : [];
    }),
    // What no recovery point that is left names is better than nothing.
    ...newestUntil(places, source, disaster).map((backup) => ({ backup, stale: true })),
  ];
  let frozen = false;
  for (const { backup, stale } of candidates) {
    const having = await placesWith(places, backup);
    frozen ||= having.frozen;
    const [first, ...others] = having.whole;
    const newest = first?.chain.at(-1);
    if (!first || !newest) continue;
    const bytes = plainBytes(first.chain);
    return {
      source,
      backup,
      stale,
      place: placeOf(first.place),
      others: others.map(({ place }) => placeOf(place)),
      at: replayedTo(first.place, newest, disaster),
      taken: newest.manifest.started,
      bytes,
      expected: expectedTime(bytes, await measuredAt(left, first.place.store, source)),
    };
  }
  if (frozen) return 'what is left of it lies frozen in cold storage: mosaic-backup copies thaw';
  return candidates.length === 0 ? 'no backup of it is left' : 'no place that is left has a backup of it whole';
}

function placeOf({ name }: Left): string | null {
  return name === REPOSITORY ? null : name;
}

function newestUntil(places: readonly Left[], source: string, disaster: string): readonly PinnedReference[] {
  return places
    .flatMap(({ catalogue }) => catalogue.map(({ manifest }) => manifest))
    .filter((one) => one.source === source && one.kind !== 'logs' && one.finished <= disaster)
    .toSorted((a, b) => orderOf(b) - orderOf(a))
    .map(pinned);
}

interface Having {
  readonly whole: readonly { readonly place: Left; readonly chain: readonly Catalogued[] }[];
  /** Some place has it, and it cannot be read at once there. */
  readonly frozen: boolean;
}

/** In the order of the places. */
async function placesWith(places: readonly Left[], backup: PinnedReference): Promise<Having> {
  const whole: { place: Left; chain: readonly Catalogued[] }[] = [];
  let frozen = false;
  for (const place of places) {
    const chain = chainAt(place, backup);
    if (!chain) continue;
    if (await isReadable(place.store, chain)) whole.push({ place, chain });
    else frozen = true;
  }
  return { whole, frozen };
}

function chainAt({ catalogue }: Left, backup: PinnedReference): readonly Catalogued[] | undefined {
  try {
    return chainOf(catalogue, findPinned(catalogue, backup));
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}

/**
 * How far its logs are replayed: to the disaster, or as far as they went when it was declared. Never to an end that is still to come: production
 * goes on, and what it ships while the drill recovers would not have been there. Null where none follow it there.
 */
function replayedTo({ catalogue }: Left, { manifest }: Catalogued, disaster: string): string | null {
  const logs = catalogue
    .map((one) => one.manifest)
    .filter(({ source, kind }) => source === manifest.source && kind === 'logs');
  const select = selectorOf(manifest.type);
  const selectionTo = (time: string) => select?.(manifest, logs, { kind: 'time', time });
  const selection = selectionTo(disaster);
  if (selection === undefined) return null;
  if (selection.reached) return selection.logs.length > 0 ? disaster : null;
  const { until } = selection;
  return until !== null && selectionTo(until)?.reached === true ? until : null;
}
