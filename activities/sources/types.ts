/**
 * The one interface of all source types. An adapter reads and writes its system; where artifacts go, how
 * they are encrypted, sealed, listed and signed is not its business.
 */
import type { SourceConfig } from '../../model/config/source.ts';
import type { Check } from '../../model/evidence.ts';
import type { Exported } from '../../model/export.ts';
import type { Finding } from '../../model/finding.ts';
import type { FreeSpace } from '../../model/logs-run.ts';
import type { Artifact, Manifest, Warning } from '../../model/manifest.ts';
import type { Consistency, Kind, SourceType, Tier } from '../../model/source.ts';
import type { RestoreTarget } from '../../model/target.ts';
import type { SecretReader } from '../config/secrets.ts';
import type { Program, Streamed } from '../streams/types.ts';
import type { Work } from '../work.ts';
import type { EarlierContents } from './earlier-contents.ts';
import type { ExportPlan, ExportRequest } from './export-plan.ts';
import type { InPlaceAdapter, InPlaceFacts } from './in-place-adapter.ts';
import type { LogSelection, LogsAdapter } from './logs-adapter.ts';
import type { Need } from './needs.ts';
import type { Sandbox, Sandboxing } from './private-server/sandbox.ts';
import type { ServeContext, Service } from './service.ts';

export type { ExportTarget, ExportRequest, ExportPlan } from './export-plan.ts';
export type {
  InPlaceFacts,
  InPlaceContext,
  InPlaceExamined,
  InPlaceFolders,
  Unshipped,
  InPlaceAdapter,
} from './in-place-adapter.ts';
export type {
  LogsSource,
  LogsContext,
  Shipped,
  LogsAdapter,
  LogsPlace,
  JoinOptions,
  Leaving,
  LeftOnServer,
  LogSelection,
} from './logs-adapter.ts';

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
  /**
   * A digest of a text that only those can make, or try a guess at, who can open this backup: evidence lies in the open. The same at
   * every place, since it is made with the backup's own key.
   */
  seal(text: string): string;
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
  /** Where the type's own programs run; absent: on this machine. */
  readonly sandbox?: Sandbox;
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
  /**
   * What earlier proofs of this backup recorded of its contents, the oldest first; empty where there was none: then what is found is to be
   * recorded. Absent: nobody asks for it.
   */
  readonly earlier?: readonly EarlierContents[];
  /** Where the type's own programs run, as in the restore; absent: on this machine. */
  readonly sandbox?: Sandbox;
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
  /** What a machine needs to restore such a backup and run it, besides what every restore needs. Absent: nothing. */
  readonly needs?: (newest: Manifest) => readonly Need[];
  /** Compares what was restored with the inventory and the engine's own checks. Says of each check whether it was made. */
  check(context: CheckContext<Config>): Promise<readonly Check[]>;
  /** Proves the exports of the newest member of the chain, one result each. Absent: the type has none. */
  checkExports?(context: CheckContext<Config>): Promise<readonly Check[]>;
  /** Absent: no container stands for this machine's own programs. */
  readonly sandboxing?: Sandboxing;
  /**
   * Starts a private server on what was restored, once it is open for writing. Absent: the type has none, as files.
   * @throws BackupError `program-failed` where it does not start; `refused` where this machine cannot start it, with what is lacking.
   */
  serve?(context: ServeContext<Config>): Promise<Service>;
  /**
   * Writes the time of the server's clock where the canary's account may, and nowhere else; nothing where the config has no
   * canary. Absent: the type has none, as files.
   * @throws BackupError with what is in the way.
   */
  beat?(context: SourceContext<Config>): Promise<void>;
  /**
   * Looks at both sides of a restore of an export, changes nothing, and hands the plan over; what the way to the server
   * needs stays open until that has ended. Absent: backups of the type hold none.
   */
  withExportPlan?<Result>(request: ExportRequest<Config>, use: (plan: ExportPlan) => Promise<Result>): Promise<Result>;
  /**
   * Free space where the server keeps its data, as far as this host sees it; none where it does not. Absent: the type has no
   * server, or its logs tell of it.
   */
  space?(context: SourceContext<Config>): Promise<readonly FreeSpace[]>;
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
