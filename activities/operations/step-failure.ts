/** A failure that stays in a report, and stops nothing else. */
import { BackupError } from '../../model/errors.ts';
import type { StepError } from '../../model/run.ts';
import type { Site } from '../site.ts';

/** What failed in a step, in words, without any secret that was read. */
export function stepFailure({ redact }: Site, step: string, error: unknown): StepError {
  if (!(error instanceof BackupError)) {
    return {
      step,
      code: 'failed',
      message: redact(error instanceof Error ? error.message : String(error)),
      remedy: null,
    };
  }
  const { code, message, remedy } = error;
  return { step, code, message: redact(message), remedy: remedy === undefined ? null : redact(remedy) };
}
