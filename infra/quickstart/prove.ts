/** Proof of what a run captured: every backup is restored into scratch and checked, and the verdict recorded. */
import { verifyRestored } from '../../activities/operations/proof/prove.ts';
import type { Verification } from '../../activities/operations/verify.ts';
import type { Site } from '../../activities/site.ts';
import { inParallel } from '../../activities/storage/parallel.ts';
import type { Work } from '../../activities/work.ts';
import type { Check } from '../../model/evidence.ts';
import type { RunReport, SourceReport } from '../../model/run.ts';

export interface ProofRequest {
  readonly site: Site;
  readonly report: RunReport;
  /** The copy that is restored: a destination's where the run has confirmed it, or with null the repository's own. */
  readonly from: string | null;
  /** A folder for scratch folders, which an unprivileged database server can reach. */
  readonly within: string;
  /** Checks against the source itself, where it is at hand. */
  readonly compare?: (source: string, restored: string, scratch: string) => Promise<readonly Check[]>;
  /** The work on one source's backup. */
  readonly work: (source: string) => Promise<Work>;
  /** So many at a time: scratch holds as many. */
  readonly beside: number;
}

export interface Proof {
  readonly source: string;
  readonly found: Verification;
  readonly milliseconds: number;
}

/** Restores and checks every backup of a run. */
export async function proveRun(request: ProofRequest): Promise<readonly Proof[]> {
  const { sources } = request.report;
  const proofs = await inParallel(sources, request.beside, (report) => proveSource(request, report));
  return proofs.filter((proof) => proof !== undefined);
}

/** Nothing speaks against any of them. */
export function isSound(proofs: readonly Proof[]): boolean {
  return proofs.every(({ found }) => found.verdict === 'ok');
}

/** A restore of which nothing could be looked at (a database whose server programs are not here) proves nothing. */
export function isProven({ found }: Proof): boolean {
  return found.verdict === 'ok' && found.what === 'test';
}

async function proveSource(
  { site, within, compare, ...request }: ProofRequest,
  { source, captured, copies }: SourceReport,
): Promise<Proof | undefined> {
  if (!captured) return undefined;
  const place = copies.some(({ destination }) => destination === request.from) ? request.from : null;
  const started = Date.now();
  const { verification } = await verifyRestored({
    site,
    source,
    choice: { backup: captured.backup, place, way: 'newest', at: null, contents: null, passed: [] },
    within,
    compare: compare && (({ restored, scratch }) => compare(source, restored, scratch)),
    work: await request.work(source),
  });
  return { source, found: verification, milliseconds: Date.now() - started };
}
