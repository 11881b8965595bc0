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

/** The folder of a restore, as whoever asked for it sees it: a worker that sees another one does nothing. */
export interface SeenTarget {
  /** Effective. */
  readonly uid: number;
  /** Id of the boot of the machine. */
  readonly boot: string;
  /** The target, or the nearest folder above it that is there. */
  readonly folder: string;
  /** Device and number of that folder. */
  readonly inode: string;
  /** The file of the config that was gone by. */
  readonly config: string;
}

/** What is restored, from where, and where to. */
export interface RestoreInput {
  readonly site: string;
  /** The host on which the folder is. */
  readonly host: string;
  readonly source: string;
  readonly backup: PinnedReference;
  /** Null: the host's repository. */
  readonly place: string | null;
  /** Places that are tried behind it, where its copy there does not do. */
  readonly others?: readonly string[];
  /** Where the replay of logs behind it stops; null: it is restored as it is. */
  readonly target: RestoreTarget | null;
  /** An absolute path there, new or empty. */
  readonly to: string;
  /** Only these paths; all when empty. */
  readonly paths: readonly string[];
  /** Absent: whatever the worker of the host sees there is meant. */
  readonly seen?: SeenTarget;
}

export interface RestoreRun extends RestoreInput {
  readonly waits: RestoreWaits;
  /** What fails is told at once, and not tried again; a worker that dies is no failure. */
  readonly once?: boolean;
}

/** What the step gets. */
export interface RestoreStepInput extends RestoreRun {
  /** Of the run: the same for all attempts. */
  readonly run: string;
}

/** What the step did. */
export interface Restored {
  readonly milliseconds: number;
  /** The place that it came from; null where an attempt that was killed had restored it. */
  readonly from?: string | null;
  /** Places whose copy did not do, and why. */
  readonly passed?: readonly string[];
  /** Why nothing was done: this worker is not where the restore was asked for. */
  readonly elsewhere?: string;
}

/** Why nothing was done: this worker is not where the restore was asked for. */
export interface NotHere {
  readonly elsewhere: string;
}

export interface RestoreReport {
  /** Null while it goes on. */
  readonly outcome: 'complete' | 'failed' | null;
  readonly milliseconds: number | null;
  readonly error: StepError | null;
  readonly from?: string | null;
  readonly passed?: readonly string[];
  readonly elsewhere?: string;
}

export const RESTORE_STEP = 'restore';

export function restoreSteps({ source, backup, place, host, to }: RestoreInput): readonly GraphStep[] {
  const does = `restore ${backup.reference} from ${place ?? 'the repository'} to ${to} on ${host}`;
  return [pendingStep(RESTORE_STEP, `restore of ${source}`, does)];
}

/** How its one step ended, as the report of the run. */
export function restoreReport(
  ended: { readonly ok: true; readonly value: Restored } | { readonly ok: false; readonly error: StepError },
): RestoreReport {
  if (!ended.ok) return { outcome: 'failed', milliseconds: null, error: ended.error };
  const { milliseconds, from, passed, elsewhere } = ended.value;
  if (elsewhere !== undefined) {
    const error = { step: RESTORE_STEP, code: 'refused', message: `nothing was done: ${elsewhere}`, remedy: null };
    return { outcome: 'failed', milliseconds: null, error, elsewhere };
  }
  return {
    outcome: 'complete',
    milliseconds,
    error: null,
    ...(from === undefined ? {} : { from }),
    ...(passed === undefined ? {} : { passed }),
  };
}
