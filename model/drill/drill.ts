/** Disaster-recovery drills: what travels between client, workflow and activities, and what is recorded. Small, and never a secret. */
import type { GraphStep } from '../graph.ts';
import type { Outcome } from '../recovery-point.ts';
import type { PinnedReference } from '../reference.ts';
import type { TestWaits } from '../restore-test.ts';
import type { ScheduledInput, StepError } from '../run.ts';
import type { SourceType } from '../source.ts';

/** What is simulated, in a sandbox; production is never touched. */
export const SCENARIOS = ['host-lost', 'primary-storage-lost', 'operator-error', 'ransomware', 'key-lost'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** What has happened, in words of whoever has to recover from it. */
export const SCENARIO_WORDS: Readonly<Record<Scenario, string>> = {
  'host-lost': 'the host is gone, with its repository and its state: only destinations and the recovery kit are left',
  'primary-storage-lost': 'the repository and the first destination are gone: everything comes from the second one',
  'operator-error': 'somebody deleted data: everything is recovered to just before',
  ransomware: "an attacker with the worker's own credentials overwrote whatever is not locked: what is locked is left",
  'key-lost': 'the first identity is gone: everything is opened with the second recipient',
};

/**
 * Phases that can wait for somebody's word; the time that it takes counts. `probe`: after the automatic ones somebody has looked for himself.
 * `tear-down` counts nothing: all is measured, and what was recovered stays up for whoever works with it.
 */
export const MANUAL_PHASES = ['provision', 'choose', 'restore', 'probe', 'tear-down'] as const;
export type ManualPhase = (typeof MANUAL_PHASES)[number];

/** Milliseconds; null where none is set. */
export interface Objectives {
  readonly rpo: number | null;
  readonly rto: number | null;
}

export interface DrillStep {
  readonly source: string;
  readonly type: SourceType;
  /** Sources of the drill that must be up before. */
  readonly after: readonly string[];
  readonly objectives: Objectives;
}

/** What a drill is asked for: by its schedule site and plan alone. */
export interface DrillAsked extends ScheduledInput {
  readonly scenario?: Scenario;
  /** RFC 3339: when the mistake or the attack happened, for scenarios that look back. */
  readonly at?: string;
  readonly manual?: readonly ManualPhase[];
  /** A game day, on the site of this name: what was recovered stays up until somebody confirms `tear-down`. */
  readonly gameDay?: string;
}

/** What the coordinator reads from the config at the start of a drill. */
export interface DrillSpec {
  readonly runId: string;
  readonly site: string;
  readonly plan: string;
  readonly scheduled: string;
  readonly scenario: Scenario;
  /** Where it is recovered: a host with an identity. */
  readonly host: string;
  readonly steps: readonly DrillStep[];
  /** Of the whole stack. */
  readonly objectives: Objectives;
  readonly manual: readonly ManualPhase[];
  /** RFC 3339: the moment of the disaster, for scenarios that look back; null: chosen at random. */
  readonly at: string | null;
  /** Milliseconds within which the disaster is declared, at a moment that nobody knows; 0: at once. */
  readonly declareWithin: number;
  /** So many sources are restored at a time. */
  readonly beside: number;
  readonly waits: TestWaits;
  /** Whether somebody is told of alerts. */
  readonly notified: boolean;
  /** SHA-256 of the config. */
  readonly config: string;
}

/** What the activities of a drill get. */
export interface DrillInput {
  readonly runId: string;
  readonly scenario: Scenario;
  readonly host: string;
  readonly steps: readonly DrillStep[];
  readonly waits: TestWaits;
  /** RFC 3339: when the disaster was declared. */
  readonly declared: string;
  /** Its moment, where somebody named one. */
  readonly at: string | null;
}

/** What of a source is recovered, and from where. */
export interface DrillChosen {
  readonly source: string;
  readonly backup: PinnedReference;
  /** Older than the last run that had the source: that had not captured it, or what it captured is not to be used. */
  readonly stale: boolean;
  /** A destination; null is the repository. */
  readonly place: string | null;
  /** Further places that have it, the nearest first: where the copy at the first one is damaged they are asked. */
  readonly others: readonly (string | null)[];
  /** RFC 3339: how far its logs are replayed; null: it has none there. */
  readonly at: string | null;
  /** RFC 3339: when the backup was taken; what came later is in its logs alone. */
  readonly taken: string;
  /** At most, before compression. */
  readonly bytes: number;
}

/** What the steps of one source get. */
export interface DrillSourceInput extends DrillInput {
  readonly chosen: DrillChosen;
}

export interface DrillChoice {
  /** RFC 3339: what was written later is lost, or not wanted back. The declaration, where nothing else is simulated. */
  readonly disaster: string;
  /** Null where no recovery point is left. */
  readonly point: string | null;
  readonly sources: readonly DrillChosen[];
  readonly lacking: readonly { readonly source: string; readonly why: string }[];
  /** Places that could not be looked at, and why. */
  readonly passed: readonly string[];
}

/** The newest that was recovered of a source: its canary, the engine's own last commit, or only the time of the backup. */
export const NEWEST_BY = ['canary', 'commit', 'backup'] as const;
export interface Newest {
  readonly by: (typeof NEWEST_BY)[number];
  /** RFC 3339. */
  readonly time: string;
}

/** One look at a service that is up again. */
export interface Probed {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what is wrong. */
  readonly detail: string;
  readonly milliseconds: number;
  /** It could not be asked on this machine: red, and yet no word against the backup. */
  readonly asked?: false;
  /** One of our own, which every source gets: that something answers proves nothing of what it holds. */
  readonly own?: true;
}

/** Copies of a backup that were tried, and did not do. */
export interface TriedCopies {
  /** Each with its place, and why, in words. */
  readonly passed: readonly string[];
  /** Names of those places (`repository` among them) whose copy is damaged: what speaks against a place alone is not. */
  readonly damaged: readonly string[];
}

/** What the recovery of a source did. */
export interface DrillRestored extends TriedCopies {
  /** The place whose copy did, which need not be the one that was asked first; null is the repository. */
  readonly place: string | null;
  /** The command that did it, word for word. */
  readonly command: readonly string[];
  readonly bytes: number;
  readonly milliseconds: number;
}

export interface DrillStarted {
  /** The command by which it runs; null where nothing is to run, as of files. */
  readonly command: readonly string[] | null;
  readonly newest: readonly Newest[];
  /** How far what runs is not cut off from production, and why; absent where it is. */
  readonly isolation?: string;
}

/** Data that were lost, in milliseconds before the disaster (`DrillChoice.disaster`). */
export interface DataLoss extends Newest {
  readonly milliseconds: number;
}

/** How a source fared; also the live state. */
export interface DrilledSource {
  readonly source: string;
  readonly type: SourceType;
  readonly objectives: Objectives;
  /** Sources of the drill that had to be up before. */
  readonly after: readonly string[];
  /** Null while it goes on. */
  readonly outcome: Outcome | null;
  readonly choice: DrillChosen | null;
  readonly restored: DrillRestored | null;
  /** Of a source that no copy brought back. */
  readonly tried?: TriedCopies;
  readonly started: DrillStarted | null;
  readonly probes: readonly Probed[];
  /** From the declaration until its last probe was green; null where it never was. */
  readonly rto: number | null;
  /** By everything that tells of it, the most exact first. */
  readonly losses: readonly DataLoss[];
  readonly steps: readonly GraphStep[];
  readonly errors: readonly StepError[];
}

/** Somebody's word that a phase may go on. */
export interface Confirming {
  readonly phase: ManualPhase;
  /** For the report: who, and what was seen. */
  readonly note?: string;
}

/** Somebody's word for which a phase waited. */
export interface Confirmation {
  readonly phase: ManualPhase;
  readonly milliseconds: number;
  readonly note: string | null;
}

export const DRILL_SCHEMA = 'mosaic-backup/drill@1';

/** How a drill fared; also the live state, and the record of it. */
export interface DrillReport {
  readonly schema: typeof DRILL_SCHEMA;
  readonly runId: string;
  readonly site: string;
  readonly scenario: Scenario;
  readonly host: string;
  /** Null while it goes on. `complete`: all of it is back. What misses its objective is back all the same. */
  readonly outcome: Outcome | null;
  /** RFC 3339: the disaster, from which everything is counted; null before. */
  readonly declared: string | null;
  readonly ended: string | null;
  readonly choice: DrillChoice | null;
  readonly sources: readonly DrilledSource[];
  /** Steps of the whole. */
  readonly steps: readonly GraphStep[];
  readonly objectives: Objectives;
  /** From the declaration until every probe was green; null where one never was. */
  readonly rto: number | null;
  /** Ids of the steps that it waited for, in their order. */
  readonly criticalPath: readonly string[];
  /** The largest loss of any source; null where of one nothing is known. */
  readonly rpo: number | null;
  readonly confirmations: readonly Confirmation[];
  /** SHA-256 of the config that it went by; null where that was never read. */
  readonly config: string | null;
  readonly errors: readonly StepError[];
}
