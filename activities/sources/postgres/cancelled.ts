/** Cancellation as one of our errors, wherever nothing of activities/streams runs that would tell it. */
import { BackupError } from '../../../model/errors.ts';
import { aborted } from '../../streams/pipeline.ts';

/** @throws BackupError `aborted`, or what the work was ended for (`standstill`). */
export function stopIfCancelled(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof BackupError ? signal.reason : aborted();
}
