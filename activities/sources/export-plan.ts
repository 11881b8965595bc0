/** Logical exports on their way back into a running server. */
import type { SourceConfig } from '../../model/config/source.ts';
import type { ExportArtifact } from '../../model/export.ts';
import type { Work } from '../work.ts';
import type { BackupReader } from './types.ts';

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
  /** What an attempt before this one, which was cut off, had noted: the plan finds out how far that one came, and goes on from there. */
  readonly earlier?: unknown;
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
  /** What tells a later attempt whether this one was carried out: small, JSON, no secrets. To be kept before `carryOut`. */
  readonly note: object;
  /** The attempt that noted `earlier` had carried it out: there is nothing left to do, and `carryOut` must not be called. */
  readonly done: boolean;
  /** Does it: wholly, or not at all. @throws BackupError `verification-failed`, `failed`; the server is as it was then. */
  readonly carryOut: () => Promise<void>;
}
