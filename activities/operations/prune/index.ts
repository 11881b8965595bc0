/** Retention: what is due at each place is told, and deleted where that is asked for. */
import { wantedBy } from '../../../model/retention/decide.ts';
import type { Amount, PlaceRetention, RetentionSummary } from '../../../model/retention/summary.ts';
import { STOPS, type Decision } from '../../../model/retention/types.ts';
import { BackupError } from '../../../model/errors.ts';
import { siteSigner, trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { openDestination } from '../../storage/destinations.ts';
import type { Destination } from '../../storage/types.ts';
import type { Work } from '../../work.ts';
import { pruneAt, type Removed } from './at-place.ts';
import { gather, type Gathered, type SeenPlace } from './gather.ts';
import { decideWithLocks } from './plan.ts';

export interface PruneRequest {
  readonly site: Site;
  /** Only these sources; all when absent. */
  readonly sources?: readonly string[];
  /** Only this place: `repository`, or a destination. The others are looked at all the same. */
  readonly place?: string;
  /** Deletes; else only what would be deleted is told. */
  readonly apply: boolean;
  /** Milliseconds since the epoch; the clock's when absent. */
  readonly now?: number;
  /** Opens a destination; `openDestination` when absent. */
  readonly open?: (name: string, site: Site) => Destination;
  readonly work: Work;
}

export interface Pruned {
  readonly decisions: readonly Decision[];
  readonly summary: RetentionSummary;
}

/**
 * Decides what is kept at each place, and deletes what is due. A place that is away, or in which this host may not delete,
 * delays only its own.
 * @throws BackupError `config` where it is to delete and has no key to sign the records with.
 */
export async function prune(request: PruneRequest): Promise<Pruned> {
  const { site, sources, place, apply, work } = request;
  const gathered = await gather({ site, now: request.now ?? Date.now(), open: request.open ?? openDestination, work });
  const all = await decideWithLocks(gathered, work);
  const decisions = all.filter(
    (decision) =>
      (sources?.includes(decision.backup.source) ?? true) && (place === undefined || decision.place === place),
  );
  const places: PlaceRetention[] = [];
  for (const seen of gathered.places) {
    if (place !== undefined && seen.name !== place) continue;
    const own = decisions.filter((decision) => decision.place === seen.name);
    const removed = apply ? await removeAt(request, gathered, seen, own) : NOTHING;
    places.push(summaryOf(seen, own, removed));
  }
  return { decisions, summary: { host: site.host, places, stopped: stoppedIn(decisions) } };
}

interface RemovedAt {
  readonly deleted: Amount;
  readonly problems: readonly string[];
}

const NOTHING: RemovedAt = { deleted: { backups: 0, bytes: 0 }, problems: [] };

async function removeAt(
  { site, work, sources }: PruneRequest,
  { input, marks }: Gathered,
  { name, open }: SeenPlace,
  decisions: readonly Decision[],
): Promise<RemovedAt> {
  const pruner = open?.pruner;
  if (!open || !pruner) return NOTHING;
  const signer = await siteSigner(site);
  const trusted = await trustedKeys(site);
  const problems: string[] = [];
  let deleted: Amount = { backups: 0, bytes: 0 };
  // Also those of which nothing is due now: something of them may be half-deleted.
  const names = sources ?? [...new Set([...input.rules.keys(), ...decisions.map(({ backup }) => backup.source)])];
  for (const source of names) {
    const due = decisions.filter(({ backup, verdict }) => verdict === 'delete' && backup.source === source);
    try {
      const wanted = wantedBy(input, source, name);
      const at = { ...open, pruner };
      const removed = await pruneAt({
        site,
        name,
        open: at,
        source,
        decisions: due,
        wanted,
        marks,
        trusted,
        signer,
        work,
      });
      deleted = add(deleted, removed);
      problems.push(...removed.failed.map(({ reference, error }) => `${reference}: ${told(error)}`));
    } catch (error) {
      if (work.signal.aborted || !(error instanceof BackupError)) throw error;
      problems.push(`${source}: ${told(error)}`);
    }
  }
  return { deleted, problems };
}

function told({ message, remedy }: BackupError): string {
  return remedy === undefined ? message : `${message} (${remedy})`;
}

function summaryOf(
  { name, open, problem }: SeenPlace,
  decisions: readonly Decision[],
  { deleted, problems }: RemovedAt,
): PlaceRetention {
  const toDelete = amountOf(decisions, 'delete');
  return {
    place: name,
    away: problem && told(problem),
    mayDelete: (open?.pruner ?? null) !== null,
    kept: amountOf(decisions, 'keep'),
    due: amountOf(decisions, 'due'),
    deleted,
    left: { backups: toDelete.backups - deleted.backups, bytes: toDelete.bytes - deleted.bytes },
    problems,
  };
}

function amountOf(decisions: readonly Decision[], verdict: Decision['verdict']): Amount {
  return decisions
    .filter((decision) => decision.verdict === verdict)
    .reduce((sum, { backup }) => add(sum, { backups: 1, bytes: backup.bytes }), { backups: 0, bytes: 0 });
}

function add(one: Amount, two: Pick<Removed, 'backups' | 'bytes'>): Amount {
  return { backups: one.backups + two.backups, bytes: one.bytes + two.bytes };
}

const ARE_STOPS: ReadonlySet<string> = new Set(STOPS);

/** What stops the pruning of sources of which something is due. */
function stoppedIn(decisions: readonly Decision[]): RetentionSummary['stopped'] {
  const bySource = Map.groupBy(decisions, ({ backup }) => backup.source);
  return [...bySource].flatMap(([source, own]) => {
    const reasons = own.flatMap(({ reasons }) => reasons.filter(({ code }) => ARE_STOPS.has(code)));
    const texts = [...new Set(reasons.map(({ text }) => text))];
    return texts.length > 0 ? [{ source, reasons: texts }] : [];
  });
}
