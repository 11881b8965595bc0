/**
 * `npm run bench`: measures captures against the same work done by other means, and what the machinery costs.
 * Results on stdout, progress on stderr. Exit 0 when everything was measured, whether or not goals were reached.
 */
import { rm, statfs, writeFile } from 'node:fs/promises';
import { acquireLease } from '../../activities/storage/lease.ts';
import { formatBytes, formatDuration } from '../../model/units.ts';
import type { Bench } from './benches/types.ts';
import { openCache } from './data/cache.ts';
import { benchData, workFolder, type Data } from './data/index.ts';
import { describeMachine } from './machine.ts';
import { parseOptions, USAGE, type Options } from './options.ts';
import { asJson, met, type Result } from './result.ts';
import { tableOf } from './table.ts';

/** Data, and the largest outputs that lie beside each other, as a multiple of the data. Artifacts are kept besides. */
const ROOM = 3.5;

const stop = new AbortController();
process.once('SIGINT', () => stop.abort(new Error('interrupted')));
process.once('SIGTERM', () => stop.abort(new Error('terminated')));
process.exitCode = await main(process.argv.slice(2), stop.signal);

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  let options: Options | 'help';
  try {
    options = parseOptions(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(USAGE);
    return 0;
  }
  try {
    await runAll(options, signal);
    return 0;
  } catch (error) {
    if (signal.aborted) {
      console.error('interrupted: what was measured last is lost, the data are kept');
      return 130;
    }
    console.error(error);
    return 1;
  }
}

async function runAll(options: Options, signal: AbortSignal): Promise<void> {
  const { cache, scale, out } = options;
  await openCache(cache);
  const lease = await acquireLease({
    state: cache,
    name: 'bench',
    step: `bench ${process.pid}`,
    attempt: 1,
    wait: 0,
    signal,
  });
  const data = benchData({ cache, scale, signal, say });
  try {
    await requireRoom(options);
    for (const line of await describeMachine(cache, signal)) console.log(line);
    if (scale.name === 'small') console.log('--small: these figures judge nothing');
    const results: Result[] = [];
    for (const each of options.benches) {
      const began = performance.now();
      const found = await runOne(each, options, data, signal);
      say(`${each.name}: took ${formatDuration(performance.now() - began)} in all`);
      for (const result of found) console.log(`\n${tableOf(result)}`);
      results.push(...found);
      if (out !== undefined) await writeFile(out, `${JSON.stringify(results.map(asJson), undefined, 2)}\n`);
    }
    const missed = results.filter((result) => met(result) === false).map(({ name }) => name);
    console.log(missed.length === 0 ? '\nAll goals are reached.' : `\nGoals missed in: ${missed.join(', ')}.`);
  } finally {
    await data.close();
    await lease.release();
  }
}

async function runOne(
  bench: Bench,
  { cache, rounds }: Options,
  data: Data,
  signal: AbortSignal,
): Promise<readonly Result[]> {
  const work = await workFolder(cache);
  try {
    return await bench.run({ data, work, rounds, signal, say: (line) => say(`${bench.name}: ${line}`) });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function requireRoom({ cache, scale }: Options): Promise<void> {
  const { bavail, bsize } = await statfs(cache);
  const { tree, postgres, artifact, copied } = scale;
  const needed = (tree.bytes + postgres.bytes) * ROOM + artifact.bytes + copied.bytes;
  if (bavail * bsize > needed) return;
  throw new Error(
    `${cache} has ${formatBytes(bavail * bsize)} free, ${formatBytes(needed)} are needed: name another place with --cache`,
  );
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
