/** Runs of plans: what travels between client, workflows and activities. Small, and never a secret. */
import type { Delivered } from './catch-up.ts';
import type { HookTime } from './config/hooks.ts';
import type { DrillReport } from './drill/drill.ts';
import type { GraphStep } from './graph.ts';
import type { LogsFacts } from './logs-run.ts';
import type { Outcome, SourceOutcome } from './recovery-point.ts';
import type { PinnedReference } from './reference.ts';
import type { TestReport } from './restore-test.ts';
import type { RetentionSummary } from './retention/summary.ts';
import type { Consistency, Group, Kind, SourceType, Tier } from './source.ts';
import { scheduledTime } from './time.ts';

/** The id of a run, of its workflow and of its recovery point: `daily-2026-11-23T02:00:00Z`. */
export function runId(plan: string, scheduled: string): string {
  return `${plan}-${scheduledTime(scheduled)}`;
}

/**
 * Task queues. Workflows run on the site's, and so does coordination, whose activities only the coordinator's
 * worker offers; captures on a host's, copies on one of their own, so that a slow destination keeps no capture from its
 * slot; ping, release and logs on its short one.
 */
export function taskQueues(
  site: string,
  host: string,
): { readonly site: string; readonly host: string; readonly copies: string; readonly short: string } {
  return { site, host: `${site}.${host}`, copies: `${site}.${host}.copies`, short: `${site}.${host}.short` };
}

/** The type of the failure of a step whose worker was stopped: it has not failed, and goes on with the next worker. */
export const HANDED_BACK = 'handed-back';

/** The message of a step whose worker gave no sign of life any more. */
export const DIED = 'the worker died at this step';

/** Input of every plan's workflow. */
export interface PlanInput {
  readonly site: string;
  readonly plan: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly scheduled: string;
  /** Only these sources; all of the plan when absent. */
  readonly sources?: readonly string[];
  /** Its schedule started it: its phases keep to their times. On demand they go at once. */
  readonly timed?: boolean;
}

/** Waits of a run's steps, in milliseconds. Every wait is a parameter: tests and `--once` set short ones. */
export interface Waits {
  /** How long a capture is tried again before its source fails. */
  readonly captureDeadline: number;
  readonly copyDeadline: number;
  readonly verifyDeadline: number;
  /** First and longest pause between two attempts. */
  readonly retryFirst: number;
  readonly retryMax: number;
  /** A worker that has sent no heartbeat for so long is dead. */
  readonly heartbeat: number;
  /** Children that neither move bytes nor use CPU or I/O for so long are ended. */
  readonly standstill: number;
  /** How long to wait for another holder of a source's lease. */
  readonly busy: number;
  /** A step that waits for so long is an alert, and is told again while it lasts. */
  readonly alertAfter: number;
  readonly remindAfter: number;
}

/** One source as a run sees it. */
export interface SourceStep {
  readonly source: string;
  readonly type: SourceType;
  readonly group: Group;
  readonly host: string;
  readonly tier: Tier;
  readonly destinations: readonly string[];
  /** Sources of the same run whose captures must have ended before. */
  readonly after?: readonly string[];
  /** Which hooks it has; the steps that run them read what they are from the config. */
  readonly hooks?: readonly HookTime[];
}

export interface Phase {
  readonly group: Group;
  readonly steps: readonly SourceStep[];
  /** RFC 3339: it does not begin before. Absent: it goes as soon as what is before it is read. */
  readonly begins?: string;
}

/** What the coordinator reads from the config at the start of a run. */
export interface RunSpec {
  readonly runId: string;
  readonly site: string;
  readonly plan: string;
  readonly scheduled: string;
  /** Groups in their order, each with its sources; empty groups are left out. */
  readonly phases: readonly Phase[];
  readonly waits: Waits;
  /** Whether what is due is deleted at the end. Absent: an older version planned the run. */
  readonly retention?: boolean;
  /** Whether somebody is told of alerts. */
  readonly notified: boolean;
  /** SHA-256 of the config file that it was planned by. */
  readonly configDigest: string;
  /** Which hooks the plan has. */
  readonly hooks?: readonly HookTime[];
  /**
   * Milliseconds since the epoch, when all that it does with its sources must have ended: shortly before its schedule starts the next
   * run, which it would hold up. Absent on demand: the next one then waits for its turn.
   */
  readonly until?: number;
}

/** What the step of a host that prunes gets. */
export interface RetentionInput {
  readonly waits: Waits;
  /** Those of the run that are captured on the host. */
  readonly sources: readonly string[];
}

/** What every activity on a source gets. */
export interface StepInput {
  readonly runId: string;
  readonly scheduled: string;
  readonly step: SourceStep;
  readonly waits: Waits;
  /** Milliseconds since the epoch, when it must have ended. */
  readonly until?: number;
  /** From 1: a later attempt of a step takes its leases over from an earlier one. */
  readonly attempt?: number;
}

/** What hooks have said. */
export interface HooksRun {
  /** Why what they stand before is left out this time, which is no failure; null where it is not. */
  readonly skipped: string | null;
  /** Those that failed, and were not to stop it. */
  readonly warnings: readonly string[];
}

/** What a capture gave, and what the hooks before it said. */
export interface HookedCapture {
  /** Null where a hook said that it is to be left out this time. */
  readonly captured: CapturedBackup | null;
  readonly hooks: HooksRun;
}

/** A sealed backup, as later steps and reports need it. */
export interface CapturedBackup {
  readonly backup: PinnedReference;
  readonly kind: Kind;
  /** Bytes stored and before compression. */
  readonly bytes: number;
  readonly plainBytes: number;
  readonly milliseconds: number;
  readonly warnings: readonly string[];
  /** True when a warning says that something is lacking. */
  readonly partial: boolean;
  /** True when an earlier attempt or run had sealed it already. */
  readonly existed: boolean;
  /** For the recovery point; logs have none. */
  readonly facts?: BackupFacts;
}

/** What a recovery point tells of a backup beside its reference, out of its manifest. */
export interface BackupFacts {
  readonly consistency: Consistency;
  /** Where in its logs it is consistent, as its engine names it; null where there are none. */
  readonly position: Readonly<Record<string, unknown>> | null;
  /** Digest of the image of its container; null where it runs in none. */
  readonly image: string | null;
}

/** Input as a schedule gives it: site and plan alone. The time is in the workflow's id then. */
export type ScheduledInput = Omit<PlanInput, 'scheduled'> & Partial<Pick<PlanInput, 'scheduled'>>;

/** The scheduled time of a run out of its id: a schedule appends it to the plan's name. @throws BackupError `usage` when it is no such id. */
export function scheduledOf(plan: string, id: string): string {
  return scheduledTime(id.startsWith(`${plan}-`) ? id.slice(plan.length + 1) : id);
}

/** The plan and the scheduled time out of the id of a run; undefined where it is none. */
export function planAndTime(id: string): Pick<PlanInput, 'plan' | 'scheduled'> | undefined {
  const [, plan, scheduled] = /^(.+)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(id) ?? [];
  return plan === undefined || scheduled === undefined ? undefined : { plan, scheduled };
}

/** Logs that were shipped and sealed. */
export interface ShippedLogs {
  readonly backup: PinnedReference;
  /** Bytes stored and before compression. */
  readonly bytes: number;
  readonly plainBytes: number;
  /** RFC 3339; null where it is not known. */
  readonly coversUntil: string | null;
  /** What is missing before them; null where they follow what was shipped before. A full is due then. */
  readonly gap: string | null;
  /** What lies where they came from, and is neither shipped nor removed since nobody knows what it is; null for nothing. */
  readonly stray: string | null;
}

export interface CopiedBackup {
  readonly destination: string;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** A copy that is not made now, which is no failure: catch-up makes it. */
export interface SkippedCopy {
  readonly destination: string;
  /** Why, in words. */
  readonly skipped: string;
}

export interface StepError {
  readonly step: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
  /** What the operator is to know of how it went until then. */
  readonly told?: readonly string[];
}

export const STEP_STATES = ['pending', 'shipping', 'capturing', 'copying', 'verifying', 'done', 'failed'] as const;
export type StepState = (typeof STEP_STATES)[number];

/** How a source fared in a run; also the live state that the query `status` gives. */
export interface SourceReport {
  readonly source: string;
  readonly state: StepState;
  readonly outcome: SourceOutcome | null;
  readonly captured: CapturedBackup | null;
  readonly copies: readonly CopiedBackup[];
  /** Destinations that get their copy later: a removable disk that is absent, a window that is closed. */
  readonly skipped?: readonly SkippedCopy[];
  readonly verified: boolean;
  readonly errors: readonly StepError[];
  /** Why it was left out this time, as a hook of the site's own said. */
  readonly softSkip?: string;
  /** Its steps in the run's graph; left out of the report of a run, whose graph has them. */
  readonly steps?: readonly GraphStep[];
  /** Only in a run that ships logs; null until its step has ended. */
  readonly logs?: LogsFacts | null;
}

export interface RunReport {
  readonly runId: string;
  readonly outcome: Outcome | null;
  readonly sources: readonly SourceReport[];
  /** What failed besides the sources: the recovery point, and retention. */
  readonly errors: readonly StepError[];
  /** Only in a run that catches up. */
  readonly destinations?: readonly Delivered[];
  /** Only in a run of restore tests. */
  readonly tests?: readonly TestReport[];
  /** Only in a drill. */
  readonly drill?: DrillReport;
  /** What was deleted, and what is due; a host each. Absent before it was looked at, and where runs do not. */
  readonly retention?: readonly RetentionSummary[];
}

/** The sources of a run by the hosts that capture them. */
export function sourcesByHost(
  steps: readonly SourceStep[],
): readonly { readonly host: string; readonly names: readonly string[] }[] {
  const byHost = Map.groupBy(steps, ({ host }) => host);
  return [...byHost].map(([host, of]) => ({ host, names: of.map(({ source }) => source) }));
}

/** A run is complete when every source is, failed when every source is, else partial. What was to be skipped counts for neither. */
export function runOutcome(outcomes: readonly SourceOutcome[]): Outcome {
  const counted = outcomes.filter((outcome) => outcome !== 'skipped');
  if (counted.length > 0 && counted.every((outcome) => outcome === 'failed')) return 'failed';
  return counted.every((outcome) => outcome === 'complete') ? 'complete' : 'partial';
}

/**
 * A source failed when nothing was captured; it is partial when a copy, the verification or part of its data is lacking. One that its
 * hooks left out is partial where one of them failed: what is to come after may have left an application at a standstill.
 */
export function sourceOutcome(report: Omit<SourceReport, 'outcome' | 'state'>): SourceOutcome {
  if (report.softSkip !== undefined) return report.errors.length === 0 ? 'skipped' : 'partial';
  if (!report.captured) return 'failed';
  return report.errors.length === 0 && report.verified && !report.captured.partial ? 'complete' : 'partial';
}
