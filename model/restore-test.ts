/** Restore tests: what travels between client, workflow and activities. Small, and never a secret. */
import type { Measured } from './evidence.ts';
import { pendingStep, type GraphStep } from './graph.ts';
import type { Way } from './proof/choose.ts';
import type { Outcome } from './recovery-point.ts';
import type { PinnedReference } from './reference.ts';
import type { StepError, Waits } from './run.ts';
import type { SourceType } from './source.ts';

/** Waits of a test, in milliseconds. */
export interface TestWaits extends Pick<
  Waits,
  'retryFirst' | 'retryMax' | 'heartbeat' | 'standstill' | 'alertAfter' | 'remindAfter'
> {
  /** How long a step is tried again. */
  readonly deadline: number;
}

export interface TestStep {
  readonly source: string;
  readonly type: SourceType;
  /** Where it is restored: a host with an identity. */
  readonly host: string;
}

/** What the coordinator reads from the config at the start of a run of tests. */
export interface TestSpec {
  readonly runId: string;
  readonly site: string;
  readonly plan: string;
  readonly scheduled: string;
  readonly steps: readonly TestStep[];
  readonly waits: TestWaits;
  /** Whether somebody is told of alerts. */
  readonly notified: boolean;
}

/** What the activities of the test of one source get. */
export interface TestInput {
  readonly runId: string;
  readonly step: TestStep;
  readonly waits: TestWaits;
}

/** Which backup is restored, from where, and to what moment its logs are replayed besides. */
export interface TestChoice {
  readonly backup: PinnedReference;
  /** Null: the repository. */
  readonly place: string | null;
  readonly way: Way;
  /** RFC 3339: a moment within the logs that follow it there; null where there are none. */
  readonly at: string | null;
  /** Why logs that are there as well do not follow it (a hole), in words; null where all do. Absent in histories of before. */
  readonly beyond?: string | null;
  /** The digest that the first proof of it recorded of its contents, from whatever place; null where none did. */
  readonly contents: string | null;
  /** Where such digests are on record, the oldest of each first, not more than a few of each. Absent in histories of before. */
  readonly records?: readonly ContentsRecord[];
  /** Places that could not be looked at, and why, in words. */
  readonly passed: readonly string[];
}

/** Evidence that holds a digest of a backup's contents. */
export interface ContentsRecord {
  readonly digest: string;
  /** Where it lies; null is the repository. */
  readonly place: string | null;
  /** Its key there. */
  readonly key: string;
}

/** What the restore showed. Where nothing was compared it is no proof. */
export interface Proven {
  /** Null where nothing could be restored here. */
  readonly measured: Measured | null;
  /** Names of the checks that were made; of those that were not, with why. */
  readonly compared: readonly string[];
  readonly notCompared: readonly string[];
  /** Key of the evidence at the place; null where none could be written, and why. */
  readonly recorded: string | null;
  readonly unrecorded: string | null;
}

/** How the test of a source fared; also the live state. */
export interface TestReport {
  readonly source: string;
  readonly host: string;
  /** Null while it goes on. */
  readonly outcome: Outcome | null;
  readonly choice: TestChoice | null;
  readonly proven: Proven | null;
  readonly errors: readonly StepError[];
}

/** Proven is what was restored and compared, and is on record as that. */
export function testOutcome({ proven, errors }: Pick<TestReport, 'proven' | 'errors'>): Outcome {
  if (!proven) return 'failed';
  return errors.length === 0 && proven.compared.length > 0 && proven.recorded !== null ? 'complete' : 'partial';
}

export function chooseId(source: string): string {
  return `${source}/choose`;
}

export function restoreId(source: string): string {
  return `${source}/restore`;
}

/** The steps of one source in a run of tests. */
export function testSteps({ source, host }: TestStep): readonly GraphStep[] {
  return [
    pendingStep(chooseId(source), 'choose', `choose a backup of ${source}, and from where`),
    pendingStep(restoreId(source), 'restore', `restore it on ${host}, and check it`, [chooseId(source)]),
  ];
}
