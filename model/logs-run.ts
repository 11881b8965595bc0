/** Runs that ship logs, a tick each: what travels between client, workflow and activities. Small, and never a secret. */
import type { Outcome } from './recovery-point.ts';
import type { CapturedBackup, CopiedBackup, StepError, StepInput } from './run.ts';
import type { SourceType } from './source.ts';
import { wholeSeconds } from './time.ts';

/** Waits of a tick, in milliseconds. */
export interface LogsWaits {
  /** How long a step waits for the worker of its host: the next tick comes soon. */
  readonly workerDeadline: number;
  /** The pause before the one further attempt. */
  readonly retryFirst: number;
  readonly heartbeat: number;
  readonly standstill: number;
  readonly busy: number;
}

/** One source as a tick sees it. */
export interface LogsStep {
  readonly source: string;
  readonly type: SourceType;
  readonly host: string;
  readonly destinations: readonly string[];
  /** Milliseconds for shipping and copying together. */
  readonly deadline: number;
}

/** What the coordinator reads from the config at the start of a tick. */
export interface LogsSpec {
  readonly runId: string;
  readonly site: string;
  readonly plan: string;
  readonly scheduled: string;
  readonly steps: readonly LogsStep[];
  readonly waits: LogsWaits;
  /** Whether there is anybody to tell of alerts. */
  readonly notified: boolean;
}

/** What the step of one source gets. */
export interface LogsInput {
  readonly runId: string;
  readonly scheduled: string;
  readonly step: LogsStep;
  readonly waits: LogsWaits;
}

/** How the logs of a source stand after a tick. */
export interface LogsFacts {
  /** Whether the shipping succeeded, also where nothing was new. */
  readonly shipped: boolean;
  /** Of the newest sealed logs: when they were sealed, and until when they cover. Null: there are none, or it is not known. */
  readonly sealed: string | null;
  readonly coversUntil: string | null;
  /** What is missing before the logs of this tick; null where they follow what was shipped before. */
  readonly gap: string | null;
  /** What lies where the logs come from, and is neither shipped nor removed; absent where nothing does, or nothing was shipped. */
  readonly stray?: string;
  /** Why a full is to be made at once; null where none is due, or a tick has just asked for it. */
  readonly fullDue: string | null;
  /** The run that makes it, or copies it. */
  readonly fullRun?: string;
  /** Where a full was made behind a hole: the destinations that still hold nothing from there. Absent where none is owed. */
  readonly fullOwed?: readonly string[];
  /** How many backups of logs each destination still lacks, where it lacks any. */
  readonly owed: Readonly<Record<string, number>>;
  /** Free bytes of the folders that shipping fills. */
  readonly space: readonly FreeSpace[];
  /** Why the server kept logs for us no longer, where this tick found it so; null where it did. */
  readonly slotLost: string | null;
  /** How the server itself stands; null where it could not be asked. */
  readonly server: ServerStanding | null;
  /** Times that are lost because logs are gone from the repository; absent where it was not looked, or not all of them yet. */
  readonly missing?: readonly MissingLogs[];
  /** Servers of the same host whose sources ship no logs, and so have no tick of their own: once a tick, in one of its steps. */
  readonly beside?: readonly SpaceBeside[];
}

/** A time to which a source could be restored, and cannot any more. RFC 3339, by the server's clock. */
export interface MissingLogs {
  /** Up to here it can. */
  readonly from: string;
  /** And from this backup's end on; null where none stands behind it. */
  readonly to: string | null;
}

export interface SpaceBeside {
  readonly source: string;
  /** Free bytes where its server keeps its data. */
  readonly space: readonly FreeSpace[];
}

/** What of a server could end its logs, or itself. */
export interface ServerStanding {
  /** Free bytes where its data and its logs lie; none where this host does not see them. */
  readonly space: readonly FreeSpace[];
  /** Null where the server keeps nothing for us. */
  readonly slot: SlotStanding | null;
}

/** What the server keeps until it is shipped, in bytes. */
export interface SlotStanding {
  readonly name: string;
  readonly kept: number;
  /** More than this it does not keep; null where nothing limits it. */
  readonly limit: number | null;
}

export interface FreeSpace {
  readonly path: string;
  readonly free: number;
}

/** What one tick did for one source. */
export interface LogsTick {
  /** What was sealed; null where nothing was new, or the shipping failed. */
  readonly captured: CapturedBackup | null;
  readonly copies: readonly LogsCopies[];
  readonly facts: LogsFacts;
  /** What is to be started for a full that is sealed, and lacks copies. */
  readonly owedFull?: StepInput;
  readonly errors: readonly StepError[];
}

/** Copies to one destination, all of a tick together. */
export interface LogsCopies extends CopiedBackup {
  readonly backups: number;
}

/** A source failed when its logs were not shipped; it is partial when a copy is lacking, or there is a hole. */
export function tickOutcome({ facts, errors }: Pick<LogsTick, 'facts' | 'errors'>): Outcome {
  if (!facts.shipped) return 'failed';
  const owes = Object.keys(facts.owed).length > 0 || (facts.fullOwed ?? []).length > 0;
  return errors.length === 0 && facts.gap === null && !owes ? 'complete' : 'partial';
}

/**
 * The scheduled time of a full that is made because of a hole: now, but never on a whole minute. On one a schedule may
 * start the same plan, whose backup of that time would be taken for this one.
 */
export function offSchedule(now: number): string {
  const time = wholeSeconds(now);
  return time.endsWith(':00Z') ? wholeSeconds(now + 1000) : time;
}

/** The id of a source's step in a tick: by it a watcher tells whose step is pending. */
export function stepId(source: string): string {
  return `ship/${source}`;
}
