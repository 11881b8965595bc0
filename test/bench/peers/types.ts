/** The ways to do one job that are measured against each other. */
export interface Sample {
  readonly seconds: number;
  /** Bytes that the backup takes. */
  readonly stored: number;
  /** Peak memory in bytes: of the worker, where there is one, and of all programs together. */
  readonly worker: number | null;
  readonly programs: number;
}

export interface Contender {
  readonly name: string;
  /** The command that is run, as it is run, or what stands in its place. */
  readonly settings: string;
  /** So many runs are enough: it takes long, and is far from any goal. As many as all others where absent. */
  readonly most?: number | undefined;
  /** Before each run, and not measured: empty repositories. */
  prepare(): Promise<void>;
  run(): Promise<Sample>;
  /** After the first run: fails unless what was stored holds the data. */
  check(): Promise<void>;
  /** After each run: deletes what it left. */
  clear(): Promise<void>;
}
