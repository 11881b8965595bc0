/** What retention is decided from, and what it decides. Times are milliseconds since the epoch, by our own clock. */
import type { RetentionClass } from '../config/retention.ts';
import type { Kind, Tier } from '../source.ts';
import type { Period } from './period.ts';

/** One backup at one place. */
export interface KeptBackup {
  readonly reference: string;
  /** Digest of the manifest's signed form: the same at every place that holds this backup. */
  readonly sha256: string;
  readonly source: string;
  readonly kind: Kind;
  /** Null of logs. */
  readonly tier: Tier | null;
  /** Key of its folder. */
  readonly folder: string;
  readonly scheduled: number;
  readonly started: number;
  /** Its place in the order in which backups were sealed, where a clock was set back in between. */
  readonly finished: number;
  /** Reference of the backup that it builds on. */
  readonly parent: string | null;
  /** False where a trusted key has not signed its manifest: what somebody has put there is nobody's newest success. */
  readonly authentic: boolean;
  /** A copy under another tier, made from another backup's artifacts. */
  readonly isCopy: boolean;
  /** Stored, and before compression without logical exports: those are in some tiers only. */
  readonly bytes: number;
  readonly plainBytes: number;
}

/** The repository, or a destination. */
export interface RetentionPlace {
  readonly name: string;
  readonly class: 'local' | RetentionClass;
  /** Tiers that it is said to take; null: all. */
  readonly tiers: readonly Tier[] | null;
  /** What it holds, logs in the order of their positions. Null: it is away, so that nobody knows. */
  readonly backups: readonly KeptBackup[] | null;
  /** How far its clock is ahead of ours, in milliseconds; null where it has none, or was not asked. */
  readonly clockAhead: number | null;
  /** Until when a lock of the place keeps a backup there, by reference: of those that were asked for. */
  readonly locks: ReadonlyMap<string, number>;
  /** Folders there whose manifest cannot be read, and the source that they are of; null where the folder does not say it. */
  readonly unreadable: readonly { readonly folder: string; readonly source: string | null }[];
}

/** What a check found about a copy. */
export interface CheckedCopy {
  readonly sha256: string;
  readonly place: string;
  /** A restore test or a drill. */
  readonly restored: boolean;
  readonly ok: boolean;
  readonly time: number;
}

/** A legal hold. */
export interface Held {
  readonly sha256: string;
  readonly reason: string;
}

/** The rules of one source. */
export interface SourceRules {
  readonly periods: Readonly<Record<Tier, Period>>;
  /** The window for recovery to a point in time. */
  readonly logs: Period;
  /** Milliseconds. */
  readonly overdueAfter: number;
  /** Share of a full that may be lost. */
  readonly shrinkage: number;
}

export interface RetentionInput {
  readonly now: number;
  readonly timeZone: string;
  /** By source; a source that has none is not in the config any more. */
  readonly rules: ReadonlyMap<string, SourceRules>;
  readonly places: readonly RetentionPlace[];
  readonly checks: readonly CheckedCopy[];
  readonly holds: readonly Held[];
  /** Fulls, by digest, whose size somebody has said is right. */
  readonly accepted: ReadonlySet<string>;
}

/** Why a source keeps all that it has. */
export const STOPS = ['removed', 'overdue', 'gap', 'clock', 'shrunk', 'unreadable'] as const;
/** Why a backup is kept, or is not. */
export const REASONS = [
  'period',
  'window',
  'expired',
  'elsewhere',
  'before-window',
  'newest',
  'verified',
  'proven',
  'parent',
  'owed',
  'hold',
  'locked',
  ...STOPS,
] as const;
export type ReasonCode = (typeof REASONS)[number];

export interface Reason {
  readonly code: ReasonCode;
  /** In words, to follow "kept: " or "due: ". */
  readonly text: string;
}

/** `due`: its time is over, and something else keeps it. */
export type Verdict = 'keep' | 'due' | 'delete';

export interface Decision {
  readonly place: string;
  readonly backup: KeptBackup;
  readonly verdict: Verdict;
  /** The first says whether its time is over; the others why it is kept all the same. */
  readonly reasons: readonly Reason[];
}
