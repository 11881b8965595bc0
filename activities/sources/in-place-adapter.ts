/** What a restore in place needs of a source type. */
import type { InPlaceConfig } from '../../model/config/in-place.ts';
import type { SourceConfig } from '../../model/config/source.ts';
import type { Check } from '../../model/evidence.ts';
import type { Manifest } from '../../model/manifest.ts';
import type { LogsContext, Shipped } from './logs-adapter.ts';
import type { BackupReader, SourceContext } from './types.ts';

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
  /** Which failed checks are told and stop nothing: of this machine, which the old data have as well; of the list that they compare with. */
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
