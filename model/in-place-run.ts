/** A restore in place as a run of its own: what travels between client, workflow and activities. Small, and never a secret. */
import { pendingStep, type GraphStep } from './graph.ts';
import type { PinnedReference } from './reference.ts';
import type { RestoreWaits, SeenTarget } from './restore-run.ts';
import { DIED, type StepError } from './run.ts';
import type { RestoreTarget } from './target.ts';

/** What is restored in place of the data of a source's own server. */
export interface InPlaceInput {
  readonly site: string;
  /** That of the source. */
  readonly host: string;
  readonly source: string;
  readonly backup: PinnedReference;
  /** Null: the host's repository. */
  readonly place: string | null;
  /** Where the replay of logs behind it stops; null: it is restored as it is. */
  readonly target: RestoreTarget | null;
  /** The data folder, with links followed. */
  readonly data: string;
  /** Go on although what the old server had not shipped cannot be saved. */
  readonly acceptUnsaved: boolean;
  /** RFC 3339: the newest restore in place of the source when this one was asked for; null: there was none. */
  readonly last: string | null;
  /** What lies beside the data folder, as whoever asked for it sees that. */
  readonly seen: SeenTarget;
}

export interface InPlaceRun extends InPlaceInput {
  readonly waits: RestoreWaits;
}

/** What its first step gets. */
export interface InPlaceStepInput extends InPlaceRun {
  /** Of the run: the same for all attempts. */
  readonly run: string;
  /** RFC 3339: when the run began. */
  readonly asked: string;
}

/** What the first step did. */
export interface PutInPlace {
  readonly data: string;
  /** Where the old data are; null where there were none. */
  readonly before: string | null;
  /** Milliseconds in which nobody was served; null where an attempt that was killed had done it. */
  readonly down: number | null;
  /** RFC 3339, whole seconds: the first one that begins behind it. */
  readonly next: string;
  /** What the operator is to know of how it went. */
  readonly told: readonly string[];
}

/** What the second step gets, which makes the full behind it. */
export interface FullBehindInput extends Pick<InPlaceRun, 'source' | 'waits'> {
  /** RFC 3339, whole seconds: the time of that full. */
  readonly scheduled: string;
  /** From 1. */
  readonly attempt: number;
}

export interface FullBehind {
  /** The full's. */
  readonly reference: string;
  /** What is not as it should be although the full is sealed. */
  readonly problems: readonly { readonly message: string; readonly remedy: string | null }[];
}

/** What a run that was cancelled asks for: null where it is taken back, or nothing was begun. */
export type TakenBack = PutInPlace | null;

export interface InPlaceReport {
  /** Partial: the server runs on what was restored, and the full behind it is not as it should be. Null while it goes on. */
  readonly outcome: 'complete' | 'partial' | 'failed' | null;
  readonly done: PutInPlace | null;
  readonly full: FullBehind | null;
  /** Of the step that failed. */
  readonly error: StepError | null;
  readonly elsewhere?: string;
  /** It was cancelled, and its host is to take back what it has begun. */
  readonly takingBack?: boolean;
}

export const IN_PLACE_STEP = 'in-place';
export const FULL_STEP = 'full';
/** Not of the graph: it comes in a run that was cancelled. */
export const TAKE_BACK = 'take-back';

export function inPlaceSteps({ source, backup, place, data, host }: InPlaceInput): readonly GraphStep[] {
  const does = `restore ${backup.reference} from ${place ?? 'the repository'} in place of ${data} on ${host}`;
  return [
    pendingStep(IN_PLACE_STEP, `restore in place of ${source}`, does),
    pendingStep(FULL_STEP, `full of ${source}`, `make a full of ${source}, and copy it: until then no point in time`, [
      IN_PLACE_STEP,
    ]),
  ];
}

/** How the full is made later, where that behind the restore failed. */
export function fullRemedy(source: string): string {
  return `mosaic-backup run daily --source ${source}; then mosaic-backup run logs --source ${source}`;
}

/** Codes of what ends a run whose worker may have stopped the server, and have told nothing since. */
const UNTOLD: ReadonlySet<string> = new Set(['unreachable', 'skipped', 'busy']);

/** What its first step failed with: where nobody has heard how far it came, with what to do about one that is half done. */
export function withUnfinished(error: StepError, source: string): StepError {
  if (!UNTOLD.has(error.code) && !error.message.endsWith(DIED)) return error;
  const own = `Its server may be stopped: see "mosaic-backup status" on its host. Then: mosaic-backup restore --resume --source ${source}, or --undo to bring the old data back.`;
  return { ...error, remedy: error.remedy === null ? own : `${error.remedy} ${own}` };
}

/** What a worker has to see as whoever asks for it does: scratch comes beside the data folder, and so do the old data. */
export function besideData(data: string): string {
  return `${data}.restored`;
}
