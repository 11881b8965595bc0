/** The first step of a source in a run: a capture, or for the archive a full that is there already. */
import { sizes } from '../../../model/manifest.ts';
import type { CapturedBackup } from '../../../model/run.ts';
import { pinned, type Catalogued } from '../../storage/catalogue.ts';
import { captureBackup, type CaptureRequest } from '../capture.ts';
import { sourceConfig } from '../source-config.ts';
import { chooseForArchive } from './choose.ts';

/** @throws BackupError as `captureBackup`. */
export async function captureOrTake(request: CaptureRequest): Promise<CapturedBackup> {
  const { site, source, tier, scheduled, work } = request;
  if (tier !== 'monthly') return captureBackup(request);
  const config = sourceConfig(site, source);
  const taken = await chooseForArchive({ site, source, config, scheduled });
  if (!taken) return captureBackup(request);
  const summary = summaryOf(taken);
  work.log.info({ source, backup: summary.backup.reference }, 'a full of the last seven days is archived');
  return summary;
}

function summaryOf({ manifest }: Catalogued): CapturedBackup {
  const { stored, plain } = sizes(manifest);
  return {
    backup: pinned(manifest),
    kind: manifest.kind,
    bytes: stored,
    plainBytes: plain,
    milliseconds: Date.parse(manifest.finished) - Date.parse(manifest.started),
    warnings: manifest.warnings.map(({ message }) => message),
    partial: manifest.warnings.some(({ partial }) => partial),
    existed: true,
  };
}
