/** The last steps of a drill: its report is signed and kept, what it proved is on record at the backups, and the documents are written anew. */
import type { DrillReport } from '../../../model/drill/drill.ts';
import { REPORT } from '../../../model/drill/steps.ts';
import { BackupError } from '../../../model/errors.ts';
import type { StepError } from '../../../model/run.ts';
import type { Site } from '../../site.ts';
import type { Work } from '../../work.ts';
import { recordDrillEvidence } from './evidence.ts';
import { writeDocuments } from './documents.ts';
import { recordDrill } from './record.ts';

export interface ReportDrillRequest {
  readonly site: Site;
  readonly report: DrillReport;
  readonly work: Work;
}

/** Done again it writes the same. @returns what could not be written: it makes the drill no worse. */
export async function reportDrill(request: ReportDrillRequest): Promise<readonly StepError[]> {
  const { warnings } = await recordDrill(request);
  const { unrecorded, refused } = await recordDrillEvidence(request);
  for (const { source, why } of unrecorded) request.work.log.info({ source, why }, 'the drill is no proof of it');
  return [
    ...warnings.map((message) => unwritten('unreachable', message, 'The next catch-up delivers it.')),
    ...refused.map(({ source, place, error }) =>
      unwritten(
        error.code,
        `what the drill showed of ${source} is not on record at ${place}: ${error.message}`,
        error.remedy ?? `The next drill or restore test of ${source} records it there.`,
      ),
    ),
    ...(await documents(request)),
  ];
}

/** They are made of the records: what keeps them from being written loses nothing, and is told. */
async function documents({ site, report, work }: ReportDrillRequest): Promise<readonly StepError[]> {
  try {
    const { folder, changed, problems } = await writeDocuments({ site, report });
    work.log.info({ folder, changed: changed.length }, 'documents of drills written');
    return problems.map(({ place, problem }) =>
      unwritten('partial', `the documents may lack drills that are on record at ${place}: ${problem}`, WRITE),
    );
  } catch (error) {
    if (work.signal.aborted || !(error instanceof BackupError)) throw error;
    return [unwritten(error.code, error.message, error.remedy ?? null)];
  }
}

const WRITE = 'When that is in order again, mosaic-backup runbook write makes them anew.';

function unwritten(code: string, message: string, remedy: string | null): StepError {
  return { step: REPORT, code, message, remedy };
}
