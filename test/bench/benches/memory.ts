/** How much more memory the worker takes for eight times the data. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import { PARTS } from '../data/tree.ts';
import { collect } from '../measure.ts';
import { HAS_ALL } from '../peers/files.ts';
import { ours } from '../peers/ours.ts';
import type { Contender } from '../peers/types.ts';
import { shell } from '../shell.ts';
import { plainSeries, resultOf } from './result-of.ts';
import { warm } from './settle.ts';
import type { Bench } from './types.ts';

const GOAL_MB = 50;
const MB = 1e6;
/** Runs that differ by a few megabytes: more of them tell nothing new. */
const ENOUGH = 2;

export const memory: Bench = {
  name: 'memory-growth',
  async run({ data, work, rounds, signal, say }) {
    const tree = await data.tree();
    const captureOf = async (name: string, folder: string): Promise<Contender> => {
      const env = { DATA: folder };
      const { stdout } = await shell('find "$DATA" -type f | wc -l', { env, signal });
      return ours({
        name,
        source: { type: 'files', paths: [folder] },
        folder: path.join(work, 'runs'),
        env: { FILES: stdout.trim() },
        check: HAS_ALL,
        signal,
      });
    };
    const contenders = [
      await captureOf('an eighth', path.join(tree.root, 'part-0')),
      await captureOf('the whole', tree.root),
    ];
    const samples = await collect({
      contenders,
      rounds: Math.min(rounds, ENOUGH),
      settle: warm(tree.root, signal),
      say,
      signal,
    });
    const [eighth = [], whole = []] = samples.map((runs) => runs.map(({ worker }) => (worker ?? Number.NaN) / MB));
    const growth = whole.map((peak, round) => peak - (eighth[round] ?? Number.NaN));
    return [
      resultOf([plainSeries({ name: 'growth', settings: settingsOf(eighth, whole), runs: growth, goal: GOAL_MB })], {
        name: 'memory-growth',
        title: `Peak memory of the worker: growth from ${formatBytes(tree.bytes / PARTS)} to ${formatBytes(tree.bytes)} of files`,
        unit: 'MB',
        notes: [],
      }),
    ];
  },
};

function settingsOf(eighth: readonly number[], whole: readonly number[]): string {
  const listed = (values: readonly number[]) => values.map((value) => value.toFixed(0)).join(', ');
  return `captures in fresh worker-like processes, with peaks of ${listed(eighth)} and ${listed(whole)} MB`;
}
