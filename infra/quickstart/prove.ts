/** Proof of what a run captured: every backup is restored into scratch and checked, and the verdict recorded. */
import { openDestination } from '../../activities/storage/destinations.ts';
import { proveBackup } from '../../activities/operations/restore.ts';
import { verifyBackup, type Verification } from '../../activities/operations/verify.ts';
import type { Site } from '../../activities/site.ts';
import { chainOf, findPinned, listBackups } from '../../activities/storage/catalogue.ts';
import { openRepository } from '../../activities/storage/repository.ts';
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
  readonly work: Work;
}

export interface Proof {
  readonly source: string;
  readonly found: Verification;
  readonly milliseconds: number;
}

/** Restores and checks every backup of a run, one after the other: scratch holds one at a time. */
export async function proveRun(request: ProofRequest): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  for (const report of request.report.sources) {
    const proof = await proveSource(request, report);
    if (proof) proofs.push(proof);
  }
  return proofs;
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
  { site, within, compare, work, ...request }: ProofRequest,
  { source, captured, copies }: SourceReport,
): Promise<Proof | undefined> {
  if (!captured) return undefined;
  const from = copies.some(({ destination }) => destination === request.from) ? request.from : null;
  const started = Date.now();
  const store = from === null ? await openRepository(site) : openDestination(from, site);
  const catalogue = await listBackups(store);
  const backup = findPinned(catalogue, captured.backup);
  const also = compare && ((restored: string, scratch: string) => compare(source, restored, scratch));
  const found = await verifyBackup({
    site,
    store,
    destinationName: from,
    backup,
    catalogue,
    work,
    what: 'test',
    deep: (work) =>
      proveBackup({ site, store, chain: chainOf(catalogue, backup), within, work, ...(also ? { also } : {}) }),
  });
  return { source, found, milliseconds: Date.now() - started };
}
