/**
 * Where what was restored is looked at: processes of this machine's own programs (processes.ts), or a container of the
 * image that the backup came from (activities/containers/sandbox/). Chosen once for a restore, and handed to all that is
 * done with it.
 */
import type { Manifest } from '../../../model/manifest.ts';
import type { Program } from '../../streams/types.ts';
import type { ServerCommand, ServerProcess, SocketFolder } from './process.ts';
import type { ServerUser } from './user.ts';

/** Whose files a program works on: ours while something is restored, the server's once they were given to it. */
export type WorksAs = 'worker' | 'server';

interface Running {
  /** A program as it is run here. What was restored has the same path everywhere. */
  program(program: Program, as: WorksAs): Program;
  /** Whether a path is a program here. */
  has(file: string): Promise<boolean>;
  /** Starts a server; it ends with the worker. */
  start(command: ServerCommand): Promise<ServerProcess>;
  /** A folder for a socket that both sides see: `wanted`, or a shorter one. */
  socketFolder(wanted: string, name: string, user: ServerUser | undefined): Promise<SocketFolder>;
  /**
   * To be asked where something failed in it.
   * @param said what the failure said.
   * @throws BackupError where it did not last, or had too little memory: then the failure says nothing of what was restored.
   */
  requireWhole(said: string): Promise<void>;
}

/** This machine's own programs. */
export interface ProcessSandbox extends Running {
  readonly image: null;
}

/** A container. */
export interface ContainerSandbox extends Running {
  /** What it is a container of, with the digest. */
  readonly image: string;
  /** Which of these folders, and of the image's PATH, have a program of that name. They may be patterns of the shell. */
  find(program: string, folders: readonly string[]): Promise<readonly FoundProgram[]>;
}

export type Sandbox = ProcessSandbox | ContainerSandbox;

export interface FoundProgram {
  readonly folder: string;
  /** What it prints of its version. */
  readonly printed: string;
}

/** For what a check says of where it was made: `, in a container of postgres:16@sha256:…`; nothing of this machine itself. */
export function placeOf(sandbox: Sandbox | undefined): string {
  return sandbox?.image ? `, in a container of ${sandbox.image}` : '';
}

/** What a source type needs of a container that stands for this machine's own programs. */
export interface Sandboxing {
  /** The unprivileged user that its servers run as; undefined: this process's own. */
  user(): Promise<ServerUser | undefined>;
  /** Why this machine's own programs do not show what a backup holds as its server did; null where they do. */
  unfit(manifest: Manifest): Promise<Unfit | null>;
}

export interface Unfit {
  /** In words, without a full stop. */
  readonly why: string;
  /** What would make them fit. */
  readonly remedy: string;
  /** They can be used for want of a container, and what differs is named then. */
  readonly usable: boolean;
}
