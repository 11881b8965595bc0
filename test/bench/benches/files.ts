/** A tree of files: its first backup, and another one when nothing has changed. */
import path from 'node:path';
import { formatBytes } from '../../../model/units.ts';
import type { Tree } from '../data/index.ts';
import { measure } from '../measure.ts';
import { AGAIN_PEERS, FIRST_PEERS, HAS_ALL, HAS_NO_FILE } from '../peers/files.ts';
import { ours } from '../peers/ours.ts';
import { shellContender, type Peer } from '../peers/shell.ts';
import type { Result } from '../result.ts';
import { peerEnvironment } from './environment.ts';
import { resultOf } from './result-of.ts';
import { warm, WARM_NOTE } from './settle.ts';
import type { Bench, Surroundings } from './types.ts';

export const filesFirst: Bench = {
  name: 'files-first',
  run: async (surroundings) => [
    await measureTree(surroundings, {
      name: 'files-first',
      what: 'first backup',
      peers: FIRST_PEERS,
      check: HAS_ALL,
      // Our time divided by theirs.
      goals: { 'shell pipeline': 1.1, restic: 1 / 1.5, borg: 1 / 2 },
      lasting: false,
      notes: [WARM_NOTE, TUNED],
    }),
  ],
};

export const filesAgain: Bench = {
  name: 'files-unchanged',
  run: async (surroundings) => [
    await measureTree(surroundings, {
      name: 'files-unchanged',
      what: 'again, unchanged',
      peers: AGAIN_PEERS,
      check: HAS_NO_FILE,
      goals: { 'tar --listed-incremental': 1.5 },
      lasting: true,
      notes: [
        WARM_NOTE,
        TUNED,
        'Each has stored the tree before, which was not measured (ours in the same process: a worker stays). tar only finds out that nothing has changed: it writes no list of files, encrypts and stores nothing. Restic and borg are for information.',
      ],
    }),
  ],
};

const TUNED =
  'Peers that call tar leave its records and the pipes at their sizes; ours works in records of 64 KiB and pipes of 1 MiB.';

interface TreeJob {
  readonly name: string;
  readonly what: string;
  readonly peers: readonly Peer[];
  readonly check: string;
  readonly goals: Readonly<Record<string, number>>;
  readonly lasting: boolean;
  readonly notes: readonly string[];
}

async function measureTree({ data, work, rounds, signal, say }: Surroundings, job: TreeJob): Promise<Result> {
  const tree = await data.tree();
  const env = { ...(await peerEnvironment(work)), TREE: tree.root, FILES: String(tree.files) };
  const options = { folder: path.join(work, 'runs'), env, signal, lasting: job.lasting };
  const series = await measure({
    contenders: [
      ours({ ...options, source: { type: 'files', paths: [tree.root], incrementals: 60 }, check: job.check }),
      ...job.peers.map((peer) => shellContender(peer, options)),
    ],
    goals: job.goals,
    rounds,
    settle: warm(tree.root, signal),
    say,
    signal,
  });
  const { name, what, notes } = job;
  return resultOf(series, { name, title: `${titleOf(tree)}: ${what}`, unit: 's', notes });
}

export function titleOf({ files, bytes, ratio }: Tree): string {
  return `${files} files, ${formatBytes(bytes)}, ${ratio.toFixed(1)} times smaller under zstd -3`;
}
