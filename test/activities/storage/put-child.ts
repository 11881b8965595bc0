/** Puts one object, and stops itself once `stopAt` bytes are written: a worker that is killed or sleeps in the middle of a copy. */
import type { Stored } from '../../../activities/storage/types.ts';
import { testWork } from '../../support/work.ts';
import { destinationOf, type PlaceContext } from './destination-of.ts';

interface Input {
  readonly context: PlaceContext;
  readonly key: string;
  readonly file: string;
  readonly expected: Stored;
  readonly stopAt: number;
}

const input = JSON.parse(process.argv[2] ?? '') as Input; // written by the test beside
let stopped = false;
const work = {
  ...testWork(),
  progress: ({ bytes }: { bytes: number }) => {
    if (stopped || bytes < input.stopAt) return;
    stopped = true;
    process.kill(process.pid, 'SIGSTOP');
  },
};
await destinationOf(input.context).put(input.key, input.file, input.expected, work);
process.stdout.write('done\n');
