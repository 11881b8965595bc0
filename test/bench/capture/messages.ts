/** What the bench and its worker-like process say to each other. */
import type { CapturedBackup } from '../../../model/run.ts';

/** To the process: capture a source, as an activity would. */
export interface CaptureOrder {
  readonly source: string;
  /** RFC 3339. */
  readonly scheduled: string;
}

/** From it. `ready` once, when its modules are loaded, as a worker's are. */
export type CaptureAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'captured'; readonly captured: CapturedBackup }
  | { readonly kind: 'failed'; readonly message: string };
