/** A private server on what was restored: what probes, drills and the user's own questions are asked of. */
import type { SourceConfig } from '../../model/config/source.ts';
import type { Newest } from '../../model/drill/drill.ts';
import type { Work } from '../work.ts';
import type { Enclosing } from './private-server/enclosure.ts';
import type { Sandbox } from './private-server/sandbox.ts';
import type { BackupReader } from './types.ts';

export interface ServeContext<Config extends SourceConfig = SourceConfig> {
  readonly source: string;
  /** As production's: the account of its canary, and nothing by which production could be reached. */
  readonly config: Config;
  /** Full first. */
  readonly chain: readonly BackupReader[];
  /** What `restore` made. The server works in it. */
  readonly restored: string;
  /** An empty folder for sockets, logs and the like. */
  readonly scratch: string;
  /** Where it runs, as in the restore; absent: as a process of this machine. */
  readonly sandbox?: Sandbox;
  readonly work: Work;
}

/** A question in the language of the engine: SQL, or a command of Redis. */
export interface Question {
  readonly text: string;
  /** Where the engine has several; its usual one when absent. */
  readonly database?: string | undefined;
  /** It is to change no data: what writes is refused in the engine's word, where the engine can. */
  readonly readOnly?: boolean;
}

/** It runs as an unprivileged user, cut off from every network where this machine allows it, and ends with the worker. */
export interface Service {
  /** The command by which it runs. */
  readonly command: readonly string[];
  /** What a program of the user's needs to reach it, as in PGHOST. Never a secret. */
  readonly env: Readonly<Record<string, string>>;
  /** How a program gets into the network in which it can be reached; absent: there is only its socket. */
  readonly inside?: Pick<Enclosing, 'prefix' | 'privileges'>;
  running(): boolean;
  /** Rows by lines, fields by tabs, as the engine's own client prints them. @throws BackupError `program-failed` with the engine's word. */
  ask(question: Question, work: Work): Promise<string>;
  /** The newest data in it: of its canary, and by the engine's own record, where there are such. */
  newest(work: Work): Promise<readonly Newest[]>;
  /** Ends it and waits for it. Idempotent. */
  stop(): Promise<void>;
}
