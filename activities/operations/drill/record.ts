/** The record of a drill: signed by the coordinator, in its repository and at every destination. */
import { isDeepStrictEqual } from 'node:util';
import { DRILL_SCHEMA, type DrillReport } from '../../../model/drill/drill.ts';
import type { DrillRecord } from '../../../model/drill/record.ts';
import { canonical } from '../../../model/manifest.ts';
import { drillKey } from '../../../model/paths.ts';
import { siteSigner, trustedKeys } from '../../keys/site-keys.ts';
import type { Site } from '../../site.ts';
import { counted } from '../../storage/counted.ts';
import { DRILLS } from '../../storage/drills.ts';
import { prepareRepository, putRepositorySmall, watchedRepository } from '../../storage/repository.ts';
import type { Work } from '../../work.ts';
import { deliverSmall } from '../deliver-small.ts';

export interface RecordDrillRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly work: Work;
}

export interface RecordedDrill {
  readonly record: DrillRecord;
  /** Destinations that did not take it, and why: catch-up delivers it there. */
  readonly warnings: readonly string[];
}

/**
 * Signs and stores a report. The same one again leaves the record as it is; another one of the same drill replaces it.
 * @throws BackupError `config` where this host has no signing key that counts; whatever keeps its repository from being written.
 */
export async function recordDrill({ site, report, work }: RecordDrillRequest): Promise<RecordedDrill> {
  await prepareRepository(site);
  const key = drillKey(report.runId);
  const record = (await recordedAlready(site, report)) ?? (await signed(site, report));
  const bytes = Buffer.from(`${JSON.stringify(record, undefined, 2)}\n`);
  await putRepositorySmall(site, key, bytes);
  return { record, warnings: await deliverSmall({ site, key, bytes, what: 'the record of the drill', work }) };
}

async function signed(site: Site, report: DrillReport): Promise<DrillRecord> {
  // As JSON has it, so that what is signed is what is read back.
  const plain = DRILLS.schema.parse({
    ...report,
    schema: DRILL_SCHEMA,
    created: new Date().toISOString(),
    signature: { keyId: '-', ed25519: '-' },
  });
  const { signature: _, ...unsigned } = plain;
  const signer = await siteSigner(site);
  return { ...unsigned, signature: signer.sign(canonical(unsigned)) };
}

/** The record of the very same report, if it is there and sound; undefined otherwise: it is written anew. */
async function recordedAlready(site: Site, report: DrillReport): Promise<DrillRecord | undefined> {
  const key = drillKey(report.runId);
  const bytes = await watchedRepository(site).readSmall(key);
  const found = bytes && counted(bytes, key, DRILLS, await trustedKeys(site));
  if (found === undefined || !('record' in found)) return undefined;
  const { signature: _, created: __, ...before } = found.record;
  return isDeepStrictEqual(before, JSON.parse(JSON.stringify(report))) ? found.record : undefined;
}
