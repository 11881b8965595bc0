/** A restore to a folder as a run of its own: what travels between client, workflow and activities. Small, and never a secret. */
import { pendingStep, type GraphStep } from './graph.ts';
import type { PinnedReference } from './reference.ts';
import type { StepError, Waits } from './run.ts';
import type { RestoreTarget } from './target.ts';

/** Waits of a restore, in milliseconds. */
export type RestoreWaits = Pick<Waits, 'retryFirst' | 'retryMax' | 'heartbeat' | 'standstill'> & {
  /** How long it is tried again. */
  readonly deadline: number;
};

/** What is restored, from where, and where to. */
export interface RestoreInput {
  readonly site: string;
  /** The host on which the folder is. */
  readonly host: string;
  readonly source: string;
  readonly backup: PinnedReference;
  /** Null: the host's repository. */
  readonly place: string | null;
  /** Where the replay of logs behind it stops; null: it is restored as it is. */
  readonly target: RestoreTarget | null;
  /** An absolute path there, new or empty. */
  readonly to: string;
  /** Only these paths; all when empty. */
  readonly paths: readonly string[];
}

export interface RestoreRun extends RestoreInput {
  readonly waits: RestoreWaits;
}

/** What the step gets. */
export interface RestoreStepInput extends RestoreRun {
  /** Of the run: the same for all attempts. */
  readonly run: string;
}

export interface RestoreReport {
  /** Null while it goes on. */
  readonly outcome: 'complete' | 'failed' | null;
  readonly milliseconds: number | null;
  readonly error: StepError | null;
}

export const RESTORE_STEP = 'restore';

export function restoreSteps({ source, backup, place, host, to }: RestoreInput): readonly GraphStep[] {
  const does = `restore ${backup.reference} from ${place ?? 'the repository'} to ${to} on ${host}`;
  return [pendingStep(RESTORE_STEP, `restore of ${source}`, does)];
}
