/** The continuous logs of a source type: how they are shipped, and which of them a recovery needs. */
import type { SourceConfig } from '../../model/config/source.ts';
import type { Finding } from '../../model/finding.ts';
import type { ServerStanding } from '../../model/logs-run.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { SecretReader } from '../config/secrets.ts';
import type { ArtifactWriter, Captured, SourceContext } from './types.ts';

/** A source whose logs are shipped. */
export interface LogsSource<Config extends SourceConfig = SourceConfig> extends SourceContext<Config> {
  /** The site's name: what lasts on a server (slots) is told apart by it. */
  readonly site: string;
}

export interface LogsContext<Config extends SourceConfig = SourceConfig> extends LogsSource<Config> {
  /** The newest sealed logs of the source in the repository; null when there are none. */
  readonly newest: Manifest | null;
  /** All sealed logs of it there whose id may be of those that are looked for, the newest day first. */
  readonly sealed: (mayBe: (id: string) => boolean) => AsyncIterable<Manifest>;
  /** Unique for this attempt. */
  readonly attempt: string;
  readonly artifacts: ArtifactWriter;
  /**
   * A lasting folder in state (0700), outside any clean-up of attempts: what is received stays in it until the backup
   * that holds it is sealed (`onSealed`).
   */
  readonly received: string;
  /** Notes that the server kept logs for us no longer, before what held them is made anew: an alert tells why. */
  readonly noteSlotLost: (why: string) => Promise<void>;
}

/** What a shipping has written into artifacts, for the manifest and the key. */
export interface Shipped extends Omit<Captured, 'consistency'> {
  /** First and last position in the artifacts; they become the id. Letters, digits, dots and underscores. */
  readonly first: string;
  readonly last: string;
  /** RFC 3339, UTC, the server's clock: everything committed until then is in these logs or earlier ones. Null: not known. */
  readonly coversUntil: string | null;
}

/** A place in a server's history. */
export interface LogsPlace {
  /** Ends are compared within one history only: of a cluster and its timeline, of a lineage of binary logs. */
  readonly history: string;
  /** Grows from each logs to those that follow them. */
  readonly end: bigint;
}

export interface JoinOptions {
  /** Also across what is missing, as if it were there; never across a hole that was told of when it came (`logs-gap`). */
  readonly whole: boolean;
}

/** The continuous logs of a source type. */
export interface LogsAdapter<Config extends SourceConfig = SourceConfig> {
  /**
   * Receives what is new, in one bounded step, and writes it into artifacts.
   * @returns null where nothing is new (and nothing was written).
   * At a hole, where what the server has does not follow what is sealed, it goes on behind it, with a warning
   * `logs-gap`: a full is due then.
   */
  ship(context: LogsContext<Config>): Promise<Shipped | null>;
  /** Where logs of this type lie; null where the manifest does not say it. Pure. */
  placeOf(manifest: Manifest): LogsPlace | null;
  /**
   * The same logs as few manifests: those that follow each other, as `select` sees it, are one. What is given twice or in
   * parts counts once with `whole`. For `select` alone: their artifacts are left out. Pure.
   */
  join(all: readonly Manifest[], options: JoinOptions): readonly Manifest[];
  /** How the server stands: what could end its logs, or itself. Read only, and quick. */
  standing(context: LogsSource<Config>): Promise<ServerStanding>;
  /** What a source has left on its server for its logs, by its state alone; null where nothing. Absent: the type leaves nothing. */
  leftOnServer?(leaving: Pick<Leaving, 'state'>): Promise<LeftOnServer | null>;
  /** Removes it, once the source ships no longer. */
  release?(leaving: Leaving): Promise<void>;
  /** What lies on the server as if it were ours, and is none of these sources'. */
  orphans?(context: LogsSource<Config>, sources: readonly string[]): Promise<readonly Finding[]>;
}

/** A source that ships its logs no longer, and may be in no config any more. */
export interface Leaving {
  /** Its own folder in state. */
  readonly state: string;
  readonly readSecret: SecretReader;
  readonly signal: AbortSignal;
}

export interface LeftOnServer {
  /** In words: `the slot mosaic_logs_… on /run/postgresql`. */
  readonly what: string;
  readonly remedy: string;
}

export type LogSelection =
  | { readonly reached: true; readonly logs: readonly Manifest[] }
  | {
      readonly reached: false;
      /** Why, in words: what is missing. */
      readonly why: string;
      /** RFC 3339: what can be reached from this backup; null where nothing is known beyond its own end. */
      readonly from: string;
      readonly until: string | null;
    };
