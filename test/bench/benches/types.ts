import type { Data } from '../data/index.ts';
import type { Result } from '../result.ts';

/** What every benchmark gets. */
export interface Surroundings {
  readonly data: Data;
  /** An empty folder of its own, on the file system of the data. */
  readonly work: string;
  /** Runs of what takes long; what is quick runs more often. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Progress. */
  readonly say: (line: string) => void;
}

export interface Bench {
  readonly name: string;
  run(surroundings: Surroundings): Promise<readonly Result[]>;
}
