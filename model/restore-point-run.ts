/** A restore of a whole recovery point as a run of its own: what travels between client, workflow and activities. */
import { pendingStep, type GraphStep } from './graph.ts';
import type { Ordered } from './in-order.ts';
import type { Outcome } from './recovery-point.ts';
import type { PinnedReference } from './reference.ts';
import type { RestoreWaits, SeenTarget } from './restore-run.ts';
import type { StepError } from './run.ts';

/** A source of it. */
export interface PointSource extends Ordered {
  readonly backup: PinnedReference;
  /** Names of the places that have it, the nearest first; the repository by its word. */
  readonly places: readonly string[];
  /** At most, before compression. */
  readonly bytes: number;
}

export interface RestorePointInput {
  readonly site: string;
  /** The host on which the folder is. */
  readonly host: string;
  /** Id of the recovery point, and when it was signed: RFC 3339. */
  readonly point: string;
  readonly created: string;
  /** An absolute path: new, empty, or where the same one was cut off. Each source comes to a folder of its name below. */
  readonly to: string;
  readonly sources: readonly PointSource[];
  readonly seen?: SeenTarget;
}

export interface RestorePointRun extends RestorePointInput {
  readonly waits: RestoreWaits;
  /** So many sources at a time. */
  readonly beside: number;
  /** As of a single restore. */
  readonly once?: boolean;
}

export interface PreparedPoint {
  /** Sources that an earlier one has restored there, which was cut off. */
  readonly existed: readonly string[];
  readonly elsewhere?: string;
}

/** How a source fared. */
export interface PointSourceReport {
  readonly source: string;
  /** Null while it goes on, or waits for others. */
  readonly outcome: 'complete' | 'failed' | null;
  readonly from: string | null;
  readonly existed: boolean;
  readonly milliseconds: number;
  readonly passed: readonly string[];
  readonly error: StepError | null;
}

export interface PointReport {
  readonly outcome: Outcome | null;
  readonly sources: readonly PointSourceReport[];
  /** Why nothing was begun. */
  readonly error: StepError | null;
  readonly elsewhere?: string;
}

export const PREPARE_STEP = 'prepare';

export function pointRestoreId(source: string): string {
  return `${source}/restore`;
}

export function pointSteps({ sources, to, host }: RestorePointInput): readonly GraphStep[] {
  const names = new Set(sources.map(({ source }) => source));
  return [
    pendingStep(PREPARE_STEP, 'prepare', `look at ${to} on ${host}, and at its free space`),
    ...sources.map(({ source, backup, places, after }) =>
      pendingStep(
        pointRestoreId(source),
        'restore',
        `restore ${backup.reference} from ${places[0] ?? 'nowhere'} to ${to}/${source}`,
        [PREPARE_STEP, ...after.filter((other) => names.has(other)).map(pointRestoreId)],
      ),
    ),
  ];
}

export function pointOutcome(sources: readonly Pick<PointSourceReport, 'outcome'>[]): Outcome {
  const failed = sources.filter(({ outcome }) => outcome !== 'complete').length;
  if (failed === 0) return 'complete';
  return failed === sources.length ? 'failed' : 'partial';
}
