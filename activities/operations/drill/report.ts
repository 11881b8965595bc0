/** The last steps of a drill: its report is signed and kept, what it proved is on record at the backups, and the documents are written anew. */
import type { DrillReport } from '../../../model/drill/drill.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { recordDrillEvidence } from './evidence.ts';
import { recordDrill } from './record.ts';

export interface ReportDrillRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly work: Work;
}

/** Done again it writes the same. @returns destinations that did not take the record, and why. */
export async function reportDrill(request: ReportDrillRequest): Promise<{ readonly warnings: readonly string[] }> {
  const { warnings } = await recordDrill(request);
  const { unrecorded } = await recordDrillEvidence(request);
  for (const { source, why } of unrecorded) request.work.log.info({ source, why }, 'the drill is no proof of it');
  return { warnings };
}
