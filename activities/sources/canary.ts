/**
 * The canary of a source: a row with the time of the server's own clock, written every few seconds. Whatever a recovery
 * brings back, the newest of these rows tells how new it is, whether anybody else was writing or not.
 */
import type { SourceConfig } from '../../model/config/source.ts';
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import type { SourceContext } from './types.ts';

export interface CanaryOf {
  /** File of infra/roles that makes its account. */
  readonly file: string;
  /** The command that does. */
  readonly command: string;
}

/**
 * Writes a row, as the worker does, where the config has a canary. That none can be written stops no backup.
 * @returns what is in the way, with its remedy.
 */
export async function canaryFindings<Config extends SourceConfig>(
  { source: subject, config }: SourceContext<Config>,
  { file, command }: CanaryOf,
  beat: () => Promise<void>,
): Promise<readonly Finding[]> {
  if (!('canary' in config) || !config.canary) return [];
  try {
    await beat();
    return [];
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const message = `its canary writes nothing, so that no drill can tell exactly what is lost: ${error.message}`;
    const remedy = `${command} (${file}), if that was never run. ${error.remedy ?? ''}`.trimEnd();
    return [{ code: `${config.type}.canary`, severity: 'warning', message, remedy, subject }];
  }
}
