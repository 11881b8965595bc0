/** Cancellation as one of our errors, wherever no pipeline runs that would tell it. */
import { BackupError } from '../../model/errors.ts';
import { aborted } from './pipeline.ts';

/** @throws BackupError `aborted`, or what the work was ended for (`standstill`). */
export function stopIfCancelled(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw signal.reason instanceof BackupError ? signal.reason : aborted();
}
