/** What retention is decided from: what each place holds, what checks have found, what people have said. */
import type { TrustedKey } from '../../keys/signing.ts';
import { classOf, rulesOf } from '../../../model/retention/rules.ts';
import { LOCAL } from '../../../model/retention/kept-until.ts';
import type { CheckedCopy, KeptBackup, RetentionInput, RetentionPlace } from '../../../model/retention/types.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Verified } from '../../../model/evidence.ts';
import { acceptedIn, holdsIn, type Mark } from '../../../model/mark.ts';
import { orderOf } from '../../../model/manifest.ts';
import { formatReference } from '../../../model/reference.ts';
import { trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { inOrder } from '../../sources/logs-order.ts';
import { readCatalogue, type Catalogue, type Catalogued } from '../../storage/catalogue.ts';
import { manifestDigest, manifestVerdict } from '../../storage/manifest-file.ts';
import { openRepository, repositoryPruner } from '../../storage/repository.ts';
import { readSaid } from '../../storage/said.ts';
import type { Destination, Pruner, WritableStore } from '../../storage/types.ts';
import type { Work } from '../../work.ts';

/** A place that was looked at. */
export interface SeenPlace {
  readonly name: string;
  /** Null: it is away. */
  readonly open: OpenPlace | null;
  /** Why it is away. */
  readonly problem: BackupError | null;
}

export interface OpenPlace {
  readonly store: WritableStore & Pick<Destination, 'lockedUntil'>;
  /** Null: this host has no identity that may delete there. */
  readonly pruner: Pruner | null;
}

export interface Gathered {
  readonly input: RetentionInput;
  readonly places: readonly SeenPlace[];
  /** Of all places. */
  readonly marks: readonly Mark[];
}

export interface GatherRequest {
  readonly site: Site;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Opens a destination. */
  readonly open: (name: string, site: Site) => Destination;
  readonly work: Work;
}

/** Looks at every place. One that is away hides no other: what it holds is not known then. */
export async function gather({ site, now, open, work }: GatherRequest): Promise<Gathered> {
  const { config } = site;
  const trusted = await trustedKeys(site);
  const looked = await Promise.all([
    look(LOCAL, work, async () => {
      const store = await openRepository(site);
      return { store, pruner: repositoryPruner(site), clock: null, trusted };
    }),
    ...Object.keys(config.destinations).map((name) =>
      look(name, work, async () => {
        const store = open(name, site);
        return { store, pruner: await store.pruner(), clock: await aheadOf(store, work), trusted };
      }),
    ),
  ]);
  const marks = looked.flatMap(({ found }) => found?.marks ?? []);
  const input: RetentionInput = {
    now,
    timeZone: config.timeZone,
    rules: new Map(Object.keys(config.sources).map((source) => [source, rulesOf(config, source)])),
    places: looked.map((each) => placeOf(each, site, trusted)),
    checks: looked.flatMap(({ found }) => found?.evidence ?? []).map(checkOf),
    holds: [...holdsIn(marks).values()].map(({ backup, reason }) => ({ sha256: backup.sha256, reason })),
    accepted: acceptedIn(marks),
  };
  const places = looked.map(({ name, found, problem }) => ({ name, open: found?.open ?? null, problem }));
  return { input, places, marks };
}

interface Looked {
  readonly name: string;
  readonly found: Found | null;
  readonly problem: BackupError | null;
}

interface Found {
  readonly open: OpenPlace;
  readonly clock: number | null;
  readonly catalogue: Catalogue;
  readonly evidence: readonly Verified[];
  readonly marks: readonly Mark[];
}

type Opening = OpenPlace & Pick<Found, 'clock'> & { readonly trusted: readonly TrustedKey[] };

async function look(name: string, work: Work, opening: () => Promise<Opening>): Promise<Looked> {
  try {
    const { store, pruner, clock, trusted } = await opening();
    const [catalogue, { evidence, marks }] = await Promise.all([readCatalogue(store), readSaid(store, trusted)]);
    return { name, found: { open: { store, pruner }, clock, catalogue, evidence, marks }, problem: null };
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    work.log.warn({ place: name, code: error.code }, 'a place could not be looked at: what it holds is not known');
    return { name, found: null, problem: error };
  }
}

/** Milliseconds; null where the place tells no time. */
async function aheadOf(destination: Destination, work: Work): Promise<number | null> {
  if (!destination.clock) return null;
  try {
    const before = Date.now();
    const time = await destination.clock();
    if (time === null) return null;
    const there = time.getTime();
    // What lies between question and answer is nobody's fault.
    return there < before ? there - before : Math.max(0, there - Date.now());
  } catch (error) {
    // A place that is read only, or full, is looked at all the same.
    if (!(error instanceof BackupError) || (error.code !== 'access-denied' && error.code !== 'no-space')) throw error;
    work.log.warn({ place: destination.name, code: error.code }, 'the clock of a place could not be asked');
    return null;
  }
}

function placeOf({ name, found }: Looked, { config }: Site, trusted: readonly TrustedKey[]): RetentionPlace {
  const own = config.destinations[name];
  return {
    name,
    class: name === LOCAL || !own ? 'local' : classOf(own),
    tiers: name === LOCAL ? null : (own?.tiers ?? null),
    backups: found && keptIn(found.catalogue, trusted),
    clockAhead: found?.clock ?? null,
    locks: new Map(),
    unreadable: (found?.catalogue.problems ?? []).map(({ folder }) => ({ folder, source: sourceIn(folder) })),
  };
}

/** Logs in the order of their positions. */
function keptIn({ backups }: Catalogue, trusted: readonly TrustedKey[]): readonly KeptBackup[] {
  const [logs, others] = [true, false].map((are) =>
    backups.filter(({ manifest }) => (manifest.kind === 'logs') === are),
  );
  const ordered = [...Map.groupBy(logs ?? [], ({ name }) => name.source).values()].flatMap((own) => inOrder(own));
  const strange = strangersAmong(others ?? [], trusted);
  return [...(others ?? []), ...ordered].map((backup) => keptOf(backup, !strange.has(backup)));
}

/** As many of the newest have to be authentic as are asked for the newest: looking at all of thousands takes long. */
const LOOKED_AT = 2;

/** The newest of each source that no trusted key has signed, down to those that one has. */
function strangersAmong(backups: readonly Catalogued[], trusted: readonly TrustedKey[]): ReadonlySet<Catalogued> {
  const strange = new Set<Catalogued>();
  for (const own of Map.groupBy(backups, ({ name }) => name.source).values()) {
    for (const time of ['started', 'scheduled'] as const) {
      let good = 0;
      for (const backup of own.toSorted((a, b) => b.manifest[time].localeCompare(a.manifest[time]))) {
        if (good === LOOKED_AT) break;
        if (manifestVerdict(backup.manifest, trusted) === 'good') good += 1;
        else strange.add(backup);
      }
    }
  }
  return strange;
}

function keptOf({ name, folder, manifest }: Catalogued, authentic: boolean): KeptBackup {
  const { artifacts } = manifest;
  return {
    reference: formatReference(name),
    sha256: manifestDigest(manifest),
    source: name.source,
    kind: manifest.kind,
    tier: manifest.tier,
    folder,
    scheduled: Date.parse(manifest.scheduled),
    started: Date.parse(manifest.started),
    finished: orderOf(manifest),
    parent: manifest.parent?.reference ?? null,
    authentic,
    isCopy: manifest.copyOf !== null,
    bytes: artifacts.reduce((sum, { bytes }) => sum + bytes, 0),
    plainBytes: artifacts.reduce((sum, { role, plainBytes }) => sum + (role === 'export' ? 0 : plainBytes), 0),
  };
}

/** The source that a folder is of; null where its path does not say it: the system's does not bear the name. */
function sourceIn(folder: string): string | null {
  const parts = folder.split('/');
  if (parts[0] === 'logs') return parts[1] ?? null;
  return folder.startsWith('daily/system/') ? null : (parts.at(-2) ?? null);
}

function checkOf({ backup, destination, what, verdict, time }: Verified): CheckedCopy {
  return {
    sha256: backup.sha256,
    place: destination ?? LOCAL,
    restored: what !== 'verify',
    ok: verdict === 'ok',
    time: Date.parse(time),
  };
}
