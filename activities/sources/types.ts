/**
 * The one interface of all source types. An adapter reads and writes its system; where artifacts go, how
 * they are encrypted, sealed, listed and signed is not its business.
 */
import type { InPlaceConfig } from '../../model/config/in-place.ts';
import type { SourceConfig } from '../../model/config/source.ts';
import type { Finding } from '../../model/finding.ts';
import type { Check } from '../../model/evidence.ts';
import type { ServerStanding } from '../../model/logs-run.ts';
import type { Artifact, Manifest, Warning } from '../../model/manifest.ts';
import type { ExportArtifact, Exported } from '../../model/export.ts';
import type { Consistency, Kind, SourceType, Tier } from '../../model/source.ts';
import type { RestoreTarget } from '../../model/target.ts';
import type { Program, Streamed } from '../streams/types.ts';
import type { Work } from '../work.ts';
import type { SecretReader } from '../config/secrets.ts';

/** What an adapter knows of its surroundings, in every operation. */
export interface SourceContext<Config extends SourceConfig = SourceConfig> {
  /** The source's name. */
  readonly source: string;
  readonly config: Config;
  readonly work: Work;
  readonly readSecret: SecretReader;
  /** This source's own lasting folder in state, 0700: tar snapshot files, brackets. Losing it costs a full, never data. */
  readonly state: string;
}

export interface ArtifactOptions {
  readonly role: string;
  /** File name before `.zst.age`: `base.tar`. */
  readonly name: string;
  /** Fewer plain bytes than this cannot be right: `implausible-size`. */
  readonly minPlainBytes: number;
  /** For the role `export`: what it is an export of. */
  readonly export?: Exported;
}

/** Writes artifacts into this attempt's staging: compressed, encrypted, counted, digested, synced. */
export interface ArtifactWriter {
  /** Streams the output of a program, or of several joined by pipes. Every exit status of the pipeline counts. */
  stream(
    producer: Program | readonly Program[],
    options: ArtifactOptions,
  ): Promise<Artifact & { readonly streamed: Streamed }>;
  /** Writes lines (the inventory) as they are produced by our own code. */
  lines(lines: AsyncIterable<string> | Iterable<string>, options: ArtifactOptions): Promise<Artifact>;
}

/** A parent that an incremental can build on. */
export interface Parent {
  readonly manifest: Manifest;
}

export interface CaptureContext<Config extends SourceConfig = SourceConfig> extends SourceContext<Config> {
  readonly kind: Kind;
  readonly tier: Tier;
  readonly parent: Parent | null;
  /** The newest chain in the repository, full first, also where this backup does not build on it. */
  readonly newestChain: readonly Manifest[];
  /** Unique for this attempt: names of slots, labels, spools. Letters, digits and dashes. */
  readonly attempt: string;
  readonly artifacts: ArtifactWriter;
  /** Makes this attempt's spool folder in state (0700), for tools that can only write files; wiped after the seal, and at the next start. */
  spool(): Promise<string>;
}

/** What a capture found out, for the manifest. */
export interface Captured {
  readonly consistency: Consistency;
  readonly engine: Manifest['engine'];
  readonly position: Manifest['position'];
  readonly tools: Readonly<Record<string, string>>;
  readonly warnings: readonly Warning[];
  /** Called once the backup is sealed: only then may state move on (tar's snapshot file). Given the sealed backup's id. */
  readonly onSealed?: (id: string) => Promise<void>;
}

/** One stored backup opened for reading: artifacts come decrypted and decompressed into a program's stdin. */
export interface BackupReader {
  readonly manifest: Manifest;
  /** Streams an artifact into a program; its digest is checked on the way and every exit status counts. Throws before the caller may promote anything. */
  into(role: string, name: string, consumer: Program): Promise<void>;
  /**
   * The same into several programs joined by pipes, of which the last has a gate: it opens only once every byte of the
   * artifact was right and the others have ended well. For what can be promoted nowhere but in that program.
   */
  through(role: string, name: string, consumers: readonly Program[], work: Work): Promise<void>;
  /** The artifact's lines, decrypted; the digest is checked at the end. */
  lines(role: string): AsyncIterable<string>;
}

export interface RestoreContext<Config extends SourceConfig = SourceConfig> extends Omit<
  SourceContext<Config>,
  'state' | 'config' | 'readSecret'
> {
  /** The chain: a full first, then each incremental in order. */
  readonly chain: readonly BackupReader[];
  /** An empty scratch folder on the target's file system. The caller promotes it on success and removes it on failure. */
  readonly scratch: string;
  /** Where the caller will promote `scratch` to; absolute paths inside (tablespaces) are written for it. `scratch` itself when absent. */
  readonly target?: string | undefined;
  /** Only these paths (files sources); all when empty. */
  readonly paths: readonly string[];
  /** Replayed after the chain, up to a target; absent: the chain alone. */
  readonly replay?: Replay;
  /** What the adapter's own `examine` found out, where this is to take the place of a server's data. */
  readonly inPlace?: InPlaceFacts;
}

/** Logs to replay, and how far. */
export interface Replay {
  /** In the order of their positions; each follows the one before, and the first reaches back to the chain's end. */
  readonly logs: readonly BackupReader[];
  readonly target: RestoreTarget;
}

export interface CheckContext<Config extends SourceConfig = SourceConfig> extends Omit<
  SourceContext<Config>,
  'state' | 'config' | 'readSecret'
> {
  readonly chain: readonly BackupReader[];
  /**
   * What `restore` made. The check may start it privately and in place; it leaves nothing running. A database
   * folder is a cleanly stopped one afterwards, with the same data; no other change is kept.
   */
  readonly restored: string;
  /** An empty folder for sockets, logs and the like. */
  readonly scratch: string;
  /** What was restored is thrown away afterwards: a database may be recovered to a later moment for the comparison. */
  readonly expendable?: boolean;
}

/** A source whose logs are shipped. */
export interface LogsSource<Config extends SourceConfig = SourceConfig> extends SourceContext<Config> {
  /** The site's name: what lasts on a server (slots) is told apart by it. */
  readonly site: string;
}

export interface LogsContext<Config extends SourceConfig = SourceConfig> extends LogsSource<Config> {
  /** The newest sealed logs of the source in the repository; null when there are none. */
  readonly newest: Manifest | null;
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

/** The continuous logs of a source type. */
export interface LogsAdapter<Config extends SourceConfig = SourceConfig> {
  /**
   * Receives what is new, in one bounded step, and writes it into artifacts.
   * @returns null where nothing is new (and nothing was written).
   * At a hole, where what the server has does not follow what is sealed, it goes on behind it, with a warning
   * `logs-gap`: a full is due then.
   */
  ship(context: LogsContext<Config>): Promise<Shipped | null>;
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

/** A running server, as the operator says it. */
export interface ExportTarget {
  /** `host`, `port`, `user`, `database`, …: each type knows its own. Never a password. */
  readonly settings: Readonly<Record<string, string>>;
  readonly password: string | undefined;
}

/** One database, or some tables of it, out of a backup's export and into a running server. */
export interface ExportRequest<Config extends SourceConfig = SourceConfig> {
  readonly backup: BackupReader;
  readonly database: string;
  /** All of it when empty. */
  readonly tables: readonly string[];
  readonly into: ExportTarget;
  /** The source's own config, for whatever `into` leaves out; null where the config has none. */
  readonly config: Config | null;
  /** Whether what is in the way may be dropped. */
  readonly replace: boolean;
  /** Whether owners and grants are restored too. */
  readonly owners: boolean;
  /** An empty folder (0700) for what cannot be streamed; the caller wipes it. */
  readonly scratch: string;
  readonly work: Work;
}

/** What would be done. */
export interface ExportPlan {
  readonly artifact: ExportArtifact;
  /** What is restored, by name. */
  readonly tables: readonly string[];
  /** What belongs to it and is not restored with it, in words. */
  readonly left: readonly string[];
  /** In words, in order. */
  readonly steps: readonly string[];
  /** Does it: wholly, or not at all. @throws BackupError `verification-failed`, `failed`; the server is as it was then. */
  readonly carryOut: () => Promise<void>;
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

/** What an adapter remembers between the steps of a restore in place. It is kept in state as JSON; never secrets. */
export type InPlaceFacts = Readonly<Record<string, unknown>>;

export interface InPlaceContext<Config extends SourceConfig = SourceConfig> extends SourceContext<Config> {
  readonly place: InPlaceConfig;
  /** The newest member of the chain that is restored. */
  readonly manifest: Manifest;
  /** Whether logs are replayed on it: it then differs from the backup's inventory. */
  readonly replayed: boolean;
}

export interface InPlaceExamined {
  readonly facts: InPlaceFacts;
  /** Whether the server answers now. */
  readonly answers: boolean;
  /** What the operator should know before it begins, each a sentence. */
  readonly notes: readonly string[];
}

export interface InPlaceFolders {
  /** The old data; it need not be there. */
  readonly before: string;
  /** What takes their place. */
  readonly ready: string;
}

export interface Unshipped {
  /** Null where nothing was left (and nothing was written). */
  readonly shipped: Shipped | null;
  readonly more: boolean;
}

/** What a restore in place needs of a source type besides `restore` and `check`. */
export interface InPlaceAdapter<Config extends SourceConfig = SourceConfig> {
  /** Names of the server's processes, as the kernel has them (at most 15 bytes). */
  readonly processes: readonly string[];
  /**
   * Before anything is touched: whether the folder is this source's, the backup can take its place, and this machine
   * has the programs.
   * @param known every manifest of the source that there is.
   * @throws BackupError `refused`, `missing-program`.
   */
  examine(context: InPlaceContext<Config>, known: readonly Manifest[]): Promise<InPlaceExamined>;
  /** After the restore and its check, in the folder that is to become the server's. @returns the facts from then on. */
  prepare(
    context: InPlaceContext<Config>,
    restored: { readonly folder: string; readonly backup: BackupReader },
    facts: InPlaceFacts,
  ): Promise<InPlaceFacts>;
  /** Which checks of what was restored count where logs were replayed on it: those that compare nothing with the backup. */
  readonly checksAfterReplay: readonly string[];
  /** Which failed checks are told and stop nothing: they are of this machine, and the old data have them as well. */
  readonly checksOnlyTold: readonly string[];
  /**
   * Writes one backup of what the stopped server had not shipped; called again while there is more. Absent: the type
   * has no logs.
   * @param data the folder of the stopped server.
   */
  saveUnshipped?(context: LogsContext<Config>, data: string, facts: InPlaceFacts): Promise<Unshipped>;
  /**
   * The last touch, with the old data set aside: what of their state the new ones must go on from. Done twice it does
   * the same.
   */
  settle?(context: InPlaceContext<Config>, folders: InPlaceFolders, facts: InPlaceFacts): Promise<void>;
  /** Which entries at the top of the old data folder the new one gets in place of its own: configuration, keys of TLS. */
  readonly keeps: (name: string, isFolder: boolean) => boolean;
  /** Looks at the running server once; called again until all is well or the time is up. */
  check(context: InPlaceContext<Config>, facts: InPlaceFacts): Promise<readonly Check[]>;
  /** The server runs on what was restored: what was shipped before is followed by nothing any more. Done twice it does nothing. */
  begin(context: InPlaceContext<Config>, facts: InPlaceFacts): Promise<void>;
}

export interface SourceAdapter<Config extends SourceConfig = SourceConfig> {
  readonly type: SourceType;
  /** Whether the source can be captured now; read only, and quick. `error` findings stop a capture. */
  preflight(context: SourceContext<Config>): Promise<readonly Finding[]>;
  /** Which kind the next backup is to be, given the newest chain in the repository (full first, newest last; empty when none). */
  nextKind(context: SourceContext<Config>, chain: readonly Manifest[]): Promise<'full' | 'incremental'>;
  capture(context: CaptureContext<Config>): Promise<Captured>;
  /** Rebuilds the source below `scratch`. */
  restore(context: RestoreContext<Config>): Promise<void>;
  /** Compares what was restored with the inventory and the engine's own checks. Says of each check whether it was made. */
  check(context: CheckContext<Config>): Promise<readonly Check[]>;
  /** Proves the exports of the newest member of the chain, one result each. Absent: the type has none. */
  checkExports?(context: CheckContext<Config>): Promise<readonly Check[]>;
  /** Looks at both sides of a restore of an export, and changes nothing. Absent: backups of the type hold none. */
  planExport?(request: ExportRequest<Config>): Promise<ExportPlan>;
  /** Absent: the type has no continuous logs. */
  readonly logs?: LogsAdapter<Config>;
  /**
   * Which logs a recovery from a backup to a target needs. Pure. Absent: a backup of the type is one moment.
   * @param base the newest member of the chain that is restored first.
   * @param logs all that there are of the source.
   */
  readonly select?: (base: Manifest, logs: readonly Manifest[], target: RestoreTarget) => LogSelection;
  /** Absent: the type is restored to folders only. */
  readonly inPlace?: InPlaceAdapter<Config>;
}
