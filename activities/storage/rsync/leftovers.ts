/** What becomes of an upload that did not succeed. */
import { BackupError, type ErrorCode } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';

/** After these nobody goes on with what was sent: it is wrong, it takes space that lacks, or nobody wants it. */
const IN_VAIN: ReadonlySet<ErrorCode> = new Set(['aborted', 'no-space', 'verification-failed', 'conflict']);

/** Whether what was sent is kept for the next attempt: after a broken link, a standstill, whatever may pass. */
export function keepsPart(error: unknown): boolean {
  return !(error instanceof BackupError && IN_VAIN.has(error.code));
}

/** Gives back what was taken. That it failed too is only told: why the upload did counts. */
export async function abandon(work: Work, destination: string, remove: () => Promise<void>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    work.log.warn({ destination, why }, 'what was begun could not be removed');
  }
}
