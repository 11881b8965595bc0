/** Listing of very many backups: the first time, when each manifest is read, and again. */
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import { makeSite } from '../../support/site.ts';
import { SOURCES, writeManifests } from '../data/manifests.ts';
import { plainSeries, resultOf } from './result-of.ts';
import type { Bench } from './types.ts';

const MAIN = fileURLToPath(new URL('../listing-main.ts', import.meta.url));
const GOAL = 5;
/** Children of Node take as much as they find: what a machine with little memory would have. */
const HEAP = '--max-old-space-size=2048';
const ended = z.object({ status: z.literal(0), peak: z.number() });
/** Longer than a change could go unseen: younger manifests are not remembered. */
const SETTLED = 3_000;

export const listing: Bench = {
  name: 'listing',
  async run({ data, work, rounds, signal, say }) {
    const count = data.scale.manifests;
    const sources = Object.fromEntries(
      Array.from({ length: SOURCES }, (_, index) => [`source-${index}`, { type: 'postgres' as const }]),
    );
    const folder = path.join(work, 'site');
    await mkdir(folder);
    const { site, file } = await makeSite({ folder, sources, destinations: {} });
    await writeManifests(site, count);
    say(`${count} manifests written`);
    await new Promise((done) => setTimeout(done, SETTLED));
    const remembered = path.join(site.state, 'catalogue');
    const first: number[] = [];
    const again: number[] = [];
    const peaks: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await rm(remembered, { recursive: true, force: true });
      first.push((await list(file, signal)).seconds);
      const second = await list(file, signal);
      again.push(second.seconds);
      peaks.push(second.peak);
      say(`run ${round + 1} of ${rounds}: ${first.at(-1)?.toFixed(2)} s, then ${second.seconds.toFixed(2)} s`);
    }
    const settings = `mosaic-backup --json list, a process each time; ${HEAP}`;
    const notes = [`Peak memory of the process: ${peaks.map((peak) => `${(peak / 1e6).toFixed(0)} MB`).join(', ')}.`];
    const title = `Listing of ${count} backups in the repository`;
    return [
      resultOf([plainSeries({ name: 'again', settings, runs: again, goal: GOAL })], {
        name: 'listing-again',
        title: `${title}, with what is remembered`,
        unit: 's',
        notes,
      }),
      resultOf([plainSeries({ name: 'first', settings, runs: first, goal: null })], {
        name: 'listing-first',
        title: `${title}, each manifest read`,
        unit: 's',
        notes: [],
      }),
    ];
  },
};

async function list(file: string, signal: AbortSignal): Promise<{ readonly seconds: number; readonly peak: number }> {
  const began = performance.now();
  const args = [HEAP, MAIN, JSON.stringify(['-c', file, '--json', 'list'])];
  const { stdout } = await execa(process.execPath, args, { cancelSignal: signal, stderr: 'inherit' });
  const { peak } = ended.parse(JSON.parse(stdout));
  return { seconds: (performance.now() - began) / 1000, peak: peak * 1024 };
}
