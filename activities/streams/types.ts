/** The vocabulary of streams. */

/** One native program of a pipeline. Its stdin and stdout are joined to its neighbours by kernel pipes. */
export interface Program {
  /** Program name or path; no shell is involved. */
  readonly command: string;
  /** Never secrets: arguments are visible to every user of the machine. */
  readonly args: readonly string[];
  /** Added to the worker's environment; what is undefined is taken out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Exit codes that count as success besides 0 (tar's 1 is looked at by its source type). */
  readonly accept?: readonly number[];
  /** Whether another end counts as success too, by what the program said. */
  readonly accepts?: (ended: Ended) => boolean;
  /** Small inputs on descriptors from 3 on: identities, passwords. They go through a pipe, never through a file. */
  readonly inputs?: readonly (string | Uint8Array)[];
  /**
   * Of the last program of a pipeline: a last small input, on the descriptor after the others. It is written only once
   * all that was fed was right and every program before this one has ended well. Where that does not come, nothing is
   * written, and the program reads the end. So what it holds back until then (a COMMIT) never happens for less.
   */
  readonly gate?: string;
  /** A further output, on the descriptor after the inputs: called with whole lines as they come. */
  readonly onLine?: (line: string) => void;
  /** Called with every line of its stderr as it comes; what is kept of stderr for errors is only its end. */
  readonly onStderr?: (line: string) => void;
  /**
   * A program that is set-group-ID, of which nothing is needed: executing it with those rights would clear the parent-death
   * signal (prctl(2), PR_SET_PDEATHSIG), and it would outlive a worker that is killed.
   */
  readonly withoutSetId?: boolean;
  /** Run as this user (set with the parent-death signal in one step). */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Where it only stands for what works elsewhere, as `docker exec` does: cumulative ticks of CPU and I/O of that. */
  readonly activity?: () => Promise<number>;
}

/** How a program of a pipeline ended. */
export interface Ended {
  readonly command: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of its stderr, at most 64 KiB, secrets removed. */
  readonly stderr: string;
}

/** How a capture may press on production. */
export interface Limits {
  /** Bytes a second, read from the source. */
  readonly maxRate?: number | undefined;
  readonly nice?: number | undefined;
  readonly ionice?: 'idle' | 'best-effort' | undefined;
}

export interface Compression {
  readonly level: number;
  /** 0: as many as there are cores. */
  readonly threads: number;
}

/** What a finished stream was. */
export interface Streamed {
  /** Stored bytes: compressed and encrypted. */
  readonly bytes: number;
  /** SHA-256 of the stored bytes, lowercase hex. */
  readonly sha256: string;
  /** Exact bytes before compression, as zstd counted them. */
  readonly plainBytes: number;
  readonly ended: readonly Ended[];
}
