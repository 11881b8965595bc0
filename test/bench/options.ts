/** The bench's command line. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BENCHES } from './benches/index.ts';
import type { Bench } from './benches/types.ts';
import { defaultCache } from './data/cache.ts';
import { FULL, SMALL, type Scale } from './data/scale.ts';

export interface Options {
  readonly out: string | undefined;
  readonly benches: readonly Bench[];
  readonly scale: Scale;
  readonly rounds: number;
  readonly cache: string;
}

const ROUNDS = 3;

export const USAGE = `npm run bench -- [--out FILE] [--only NAME] [--small] [--rounds N] [--cache FOLDER]

  --out FILE      also write the results as JSON
  --only NAME     one of: ${BENCHES.map(({ name }) => name).join(', ')}; may be given again
  --small         little data: to try the bench out, not to judge by
  --rounds N      runs of each contender, ${ROUNDS} by default; peers that take long run once or twice, as the table says
  --cache FOLDER  where the data are made and kept, and where everything is written; some 30 GB, on a file
                  system that others may pass through; ${defaultCache()} by default`;

/** @throws Error that says what is wrong with them. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      out: { type: 'string' },
      only: { type: 'string', multiple: true },
      small: { type: 'boolean', default: false },
      rounds: { type: 'string', default: String(ROUNDS) },
      cache: { type: 'string', default: defaultCache() },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const unknown = values.only?.find((wanted) => !BENCHES.some(({ name }) => name === wanted));
  if (unknown !== undefined) throw new Error(`there is no benchmark "${unknown}"`);
  if (!/^[1-9]\d?$/.test(values.rounds))
    throw new Error(`--rounds takes a number from 1 to 99, not "${values.rounds}"`);
  return {
    out: values.out,
    benches: BENCHES.filter(({ name }) => values.only?.includes(name) ?? true),
    scale: values.small ? SMALL : FULL,
    rounds: Number(values.rounds),
    cache: path.resolve(values.cache),
  };
}
