/** The recovery point of a run: which backup stands for each source, signed by the coordinator, at every destination. */
import { canonical } from '../../model/manifest.ts';
import { recoveryPointKey } from '../../model/paths.ts';
import { RECOVERY_POINT_SCHEMA, type RecoveryPoint } from '../../model/recovery-point.ts';
import { runOutcome, type RunReport, type RunSpec, type SourceReport } from '../../model/run.ts';
import { siteSigner } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { listBackups, pinned, type Catalogued } from '../storage/catalogue.ts';
import { openDestination } from '../storage/destinations.ts';
import { prepareRepository, putRepositorySmall, repositoryStore } from '../storage/repository.ts';
import type { Work } from '../work.ts';

export interface RecoveryPointRequest {
  readonly site: Site;
  readonly spec: RunSpec;
  readonly report: RunReport;
  readonly work: Work;
}

/**
 * Writes the recovery point of a run into the repository and to each destination. The same run again replaces
 * its recovery point. A destination that is away makes a warning: its backups went there, or are owed, on their own.
 */
export async function writeRecoveryPoint({
  site,
  spec,
  report,
  work,
}: RecoveryPointRequest): Promise<{ readonly warnings: readonly string[] }> {
  // A coordinator that captures nothing itself uses its repository for the first time here.
  await prepareRepository(site);
  const catalogue = await listBackups(repositoryStore(site.repository));
  const unsigned = {
    schema: RECOVERY_POINT_SCHEMA as typeof RECOVERY_POINT_SCHEMA,
    id: spec.runId,
    site: spec.site,
    plan: spec.plan,
    scheduled: spec.scheduled,
    created: new Date().toISOString(),
    outcome: runOutcome(report.sources.map(({ outcome }) => outcome ?? 'failed')),
    sources: report.sources.map((source) => sourceEntry(source, catalogue)),
  };
  const signer = await siteSigner(site);
  const point: RecoveryPoint = { ...unsigned, signature: signer.sign(canonical(unsigned)) };
  const bytes = Buffer.from(`${JSON.stringify(point, undefined, 2)}\n`);
  const key = recoveryPointKey(spec.runId);
  await putRepositorySmall(site.repository, key, bytes);

  const warnings: string[] = [];
  for (const name of Object.keys(site.config.destinations)) {
    try {
      await openDestination(name, site).putSmall(key, bytes, { replace: true });
    } catch (error) {
      const message = `the recovery point could not be copied to ${name}: ${error instanceof Error ? error.message : String(error)}`;
      work.log.warn({ destination: name, recoveryPoint: spec.runId }, message);
      warnings.push(message);
    }
  }
  return { warnings };
}

function sourceEntry(report: SourceReport, catalogue: readonly Catalogued[]): RecoveryPoint['sources'][number] {
  const stale = report.captured === null;
  const standIn = stale ? newestOf(report.source, catalogue) : undefined;
  const [error] = report.errors;
  return {
    source: report.source,
    outcome: report.outcome ?? 'failed',
    backup: report.captured?.backup ?? (standIn ? pinned(standIn.manifest) : null),
    stale,
    copies: report.copies.map(({ destination }) => destination).toSorted(),
    error: error ? `${error.step}: ${error.message}` : null,
  };
}

function newestOf(source: string, catalogue: readonly Catalogued[]): Catalogued | undefined {
  return catalogue
    .filter(({ name }) => name.source === source)
    .toSorted((a, b) => a.manifest.scheduled.localeCompare(b.manifest.scheduled))
    .at(-1);
}
