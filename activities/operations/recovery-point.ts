/** The recovery point of a run: which backup stands for each source, signed by the coordinator, at every destination. */
import { canonical, type Manifest } from '../../model/manifest.ts';
import { recoveryPointKey } from '../../model/paths.ts';
import { RECOVERY_POINT_SCHEMA, type Outcome, type RecoveryPoint } from '../../model/recovery-point.ts';
import { parseReference, type PinnedReference } from '../../model/reference.ts';
import { runOutcome, type RunReport, type RunSpec, type SourceReport } from '../../model/run.ts';
import { siteSigner, trustedKeys } from '../keys/site-keys.ts';
import type { TrustedKey } from '../keys/signing.ts';
import type { Site } from '../site.ts';
import { listBackups, pinned, type Catalogued } from '../storage/catalogue.ts';
import { readEvidence } from '../storage/evidence-file.ts';
import { manifestVerdict } from '../storage/manifest-file.ts';
import { counted } from '../storage/counted.ts';
import { readRecoveryPoints, RECOVERY_POINTS } from '../storage/recovery-points.ts';
import { prepareRepository, putRepositorySmall, watchedRepository } from '../storage/repository.ts';
import type { Store } from '../storage/types.ts';
import type { Work } from '../work.ts';
import { lastVerdictOf } from './archive/choose.ts';
import { factsOf } from './capture.ts';
import { deliverSmall } from './deliver-small.ts';
import { keepingOfPoint } from './keeping.ts';

export interface RecoveryPointRequest {
  readonly site: Site;
  readonly spec: RunSpec;
  readonly report: RunReport;
  readonly work: Work;
}

/**
 * Writes the recovery point of a run into the repository and to each destination. The same run again replaces
 * its recovery point, and keeps what it said of sources that were not asked for this time. A destination that is
 * away makes a warning: its backups went there, or are owed, on their own.
 */
export async function writeRecoveryPoint({
  site,
  spec,
  report,
  work,
}: RecoveryPointRequest): Promise<{ readonly warnings: readonly string[] }> {
  // A coordinator that captures nothing itself uses its repository for the first time here.
  await prepareRepository(site);
  const store = watchedRepository(site);
  const signer = await siteSigner(site);
  const key = recoveryPointKey(spec.runId);
  const trusted = await trustedKeys(site);
  const last = await standing({ store, trusted, scheduled: spec.scheduled, reports: report.sources });
  const now = report.sources.map((source) => sourceEntry(source, last.get(source.source)));
  const before = await signedBefore(store, spec.runId, trusted);
  // Run again, a run may not come to what it had sealed: a host that is away now, a hook that skips. It is sealed all the same.
  const own = now.map((entry) => (entry.stale ? (before.find((one) => isMade(one, entry)) ?? entry) : entry));
  const sources = [...before.filter(({ source }) => !own.some((entry) => entry.source === source)), ...own];
  const unsigned = {
    schema: RECOVERY_POINT_SCHEMA as typeof RECOVERY_POINT_SCHEMA,
    id: spec.runId,
    site: spec.site,
    plan: spec.plan,
    scheduled: spec.scheduled,
    created: new Date().toISOString(),
    outcome: outcomeOf(sources, report),
    config: spec.configDigest,
    sources,
  };
  const point: RecoveryPoint = { ...unsigned, signature: signer.sign(canonical(unsigned)) };
  const bytes = Buffer.from(`${JSON.stringify(point, undefined, 2)}\n`);
  await putRepositorySmall(site, key, bytes);

  const keeping = (destination: string) => keepingOfPoint(site, destination, point);
  return { warnings: await deliverSmall({ site, key, bytes, what: 'the recovery point', keeping, work }) };
}

/** As the run has it: what failed besides its sources, a hook of the plan for one, makes it partial. */
function outcomeOf(sources: readonly Entry[], { errors }: RunReport): Outcome {
  const outcome = runOutcome(sources.map((entry) => entry.outcome));
  return outcome === 'complete' && errors.length > 0 ? 'partial' : outcome;
}

/**
 * What was signed before about the same run, maybe with a key that was replaced since; none where it is damaged, which says nothing
 * and is replaced.
 */
async function signedBefore(
  store: Store,
  id: string,
  trusted: readonly TrustedKey[],
): Promise<RecoveryPoint['sources']> {
  const key = recoveryPointKey(id);
  const bytes = await store.readSmall(key);
  return (bytes && signedPoint(bytes, key, trusted))?.sources ?? [];
}

/** Whether this entry says that the run itself has made a backup of the other's source. */
function isMade(one: Entry, { source }: Entry): boolean {
  return one.source === source && !one.stale;
}

function signedPoint(bytes: Uint8Array, key: string, trusted: readonly TrustedKey[]): RecoveryPoint | undefined {
  const found = counted(bytes, key, RECOVERY_POINTS, trusted);
  return 'record' in found ? found.record : undefined;
}

type Entry = RecoveryPoint['sources'][number];
/** What stands for a source: a backup, with what is told of it. */
type Standing = Pick<Entry, 'backup' | 'consistency' | 'position' | 'image'>;

function sourceEntry({ source, outcome, captured, copies, errors }: SourceReport, last: Standing | undefined): Entry {
  const stale = captured === null;
  const [error] = errors;
  return {
    source,
    outcome: outcome ?? 'failed',
    ...(captured ? { backup: captured.backup, ...captured.facts } : { backup: null, ...last }),
    stale,
    copies: copies.map(({ destination }) => destination).toSorted(),
    error: error ? `${error.step}: ${error.message}` : null,
  };
}

interface StandingRequest {
  readonly store: Store;
  readonly trusted: readonly TrustedKey[];
  /** Of the run: what was made later stands for nothing in it. */
  readonly scheduled: string;
  readonly reports: readonly SourceReport[];
}

/**
 * The last good backup of each source that was not captured: the newest of this host's, and of what earlier recovery points say, which
 * hosts that are down cannot be asked for. None that a check has found damaged in this repository.
 */
async function standing({
  store,
  trusted,
  scheduled,
  reports,
}: StandingRequest): Promise<ReadonlyMap<string, Standing>> {
  const stale = reports.filter(({ captured }) => captured === null).map(({ source }) => source);
  if (stale.length === 0) return new Map();
  const [catalogue, { read }] = await Promise.all([
    listBackups(store, { logs: false }),
    readRecoveryPoints(store, trusted),
  ]);
  const good = catalogue.filter(
    ({ manifest }) => manifest.scheduled <= scheduled && manifestVerdict(manifest, trusted) === 'good',
  );
  const points = read.filter((point) => point.scheduled <= scheduled);
  const found = new Map<string, Standing>();
  for (const source of stale) {
    const evidence = await readEvidence(store, trusted, source);
    const candidates = [...madeHere(source, good), ...points.flatMap(({ sources }) => standingIn(source, sources))];
    const newest = candidates
      .filter(({ backup }) => lastVerdictOf(backup, evidence) !== 'failed')
      .toSorted((a, b) => madeAt(a).localeCompare(madeAt(b)))
      .at(-1);
    if (newest !== undefined) found.set(source, newest);
  }
  return found;
}

interface Candidate extends Standing {
  readonly backup: PinnedReference;
}

function madeHere(source: string, catalogue: readonly Catalogued[]): readonly Candidate[] {
  return catalogue.filter(({ name }) => name.source === source).map(({ manifest }) => candidateOf(manifest));
}

function candidateOf(manifest: Manifest): Candidate {
  return { backup: pinned(manifest), ...factsOf(manifest) };
}

function standingIn(source: string, entries: readonly Entry[]): readonly Candidate[] {
  return entries.flatMap(({ source: of, backup, consistency, position, image }) => {
    if (of !== source || backup === null) return [];
    const facts = { ...(consistency && { consistency }), ...(position !== undefined && { position }) };
    return [{ backup, ...facts, ...(image !== undefined && { image }) }];
  });
}

/** The time in its name, which sorts; a point names what another run made as well. */
function madeAt({ backup }: Candidate): string {
  return parseReference(backup.reference)?.id ?? '';
}
