/**
 * Measures contenders in turn (A B C A B C …), so that whatever the machine does meanwhile meets all of them. One that
 * takes long may run in the first rounds only.
 */
import type { Contender, Sample } from './peers/types.ts';
import type { Series } from './result.ts';
import { median } from './statistics.ts';

export interface CollectOptions {
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  /** Before each run: brings the machine into the same state for all. */
  readonly settle: () => Promise<void>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface MeasureOptions extends CollectOptions {
  /** By a contender's name. */
  readonly goals: Readonly<Record<string, number>>;
}

/** A row for each contender, in their order. */
export async function measure(options: MeasureOptions): Promise<readonly Series[]> {
  const samples = await collect(options);
  return options.contenders.map((contender, index) =>
    series(contender, samples[index] ?? [], options.goals[contender.name] ?? null),
  );
}

/** The runs of each contender, in their order. The first run of each is checked. */
export async function collect(options: CollectOptions): Promise<readonly (readonly Sample[])[]> {
  const { contenders, rounds, settle, say, signal } = options;
  const samples: Sample[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const own = Math.min(rounds, contender.most ?? rounds);
      if (round >= own) continue;
      signal.throwIfAborted();
      try {
        await contender.prepare();
        await settle();
        const sample = await contender.run();
        say(`run ${round + 1} of ${own}: ${contender.name}: ${sample.seconds.toFixed(2)} s`);
        if (round === 0) await contender.check();
        samples[index]?.push(sample);
      } finally {
        // Also of one that failed: a worker that is left would keep the bench from its end.
        await contender.clear();
      }
    }
  }
  return samples;
}

function series({ name, settings }: Contender, samples: readonly Sample[], goal: number | null): Series {
  const worker = samples.map((sample) => sample.worker).filter((bytes) => bytes !== null);
  return {
    name,
    settings,
    runs: samples.map(({ seconds }) => seconds),
    stored: median(samples.map(({ stored }) => stored)),
    worker: worker.length > 0 ? median(worker) : null,
    programs: median(samples.map(({ programs }) => programs)),
    goal,
  };
}
