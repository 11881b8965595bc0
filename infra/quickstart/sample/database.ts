/** What the sample's databases have in common: each engine's folder makes one, starts it, writes to it, and compares. */
import type { Check } from '../../../model/evidence.ts';
import type { SiteInput } from '../../../model/config/site.ts';
import type { SamplePlace } from './place.ts';

/** An engine of the sample, and the one source that it is. */
export interface SampleDatabase {
  /** Its source's name in the config. */
  readonly source: string;
  /** For messages: `PostgreSQL`. */
  readonly engine: string;
  /** Makes its data folder, empty. */
  make(place: SamplePlace, signal: AbortSignal): Promise<void>;
  /** Starts a server on that folder, which ends with this process at the latest. */
  start(place: SamplePlace): Promise<RunningDatabase>;
  /** Whether a command line is that of a server of this engine, and on which data folder. */
  servesFrom(words: readonly string[]): string | undefined;
  /** Removes from a data folder what would keep a server from starting, when none runs on it any more. */
  tidy(place: SamplePlace): Promise<void>;
}

export interface RunningDatabase {
  /** What the config says of it. */
  readonly config: SiteInput['sources'][string];
  /** Fills it, opens its ledger, and makes the account that backs it up, with no more rights than that needs. */
  fill(signal: AbortSignal): Promise<void>;
  /**
   * Gives the account whatever rights it lacks.
   * @returns bytes of the whole server. @throws when it is not the server that `fill` left.
   */
  reopen(signal: AbortSignal): Promise<number>;
  /** Begins the write load. */
  write(): Promise<Workload>;
  /** Compares a restore of it with the replay of the restored ledger, and that with its own. */
  compare(asked: Comparing): Promise<Compared>;
  /** `fast` in order, `immediate` like a crash. Idempotent. */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

export interface Workload {
  /** Number of the last transaction that the server has confirmed. A backup begun now must hold it. */
  confirmed(): Promise<number>;
  /** Why it ended by itself; undefined while it runs. */
  failure(): unknown;
  /** Ends after the transaction under way. */
  stop(): Promise<void>;
}

export interface Comparing {
  /** The restored data folder. */
  readonly restored: string;
  /** A folder for this comparison alone, which an unprivileged server can reach. */
  readonly scratch: string;
  /** What the source had confirmed when the run began. */
  readonly confirmed: number;
  readonly signal: AbortSignal;
}

export interface Compared {
  readonly checks: readonly Check[];
  /** In words, for the case that all checks hold. */
  readonly summary: string;
}

/** A number as a reader wants it: `1,785,039`. */
export function formatCount(number: number): string {
  return new Intl.NumberFormat('en').format(number);
}
