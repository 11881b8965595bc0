/** Puts objects one after the other, and says after each the most memory that this process has had so far, in bytes. */
import { readFileSync } from 'node:fs';
import type { Stored } from '../../../../activities/storage/types.ts';
import { testWork } from '../../../support/work.ts';
import { destinationOf, type PlaceContext } from '../destination-of.ts';

interface Input {
  readonly context: PlaceContext;
  readonly puts: readonly { readonly key: string; readonly file: string; readonly expected: Stored }[];
}

const { context, puts } = JSON.parse(process.argv[2] ?? '') as Input; // written by the test beside
const destination = destinationOf(context);
for (const { key, file, expected } of puts) {
  await destination.put(key, file, expected, testWork());
  // What getrusage tells begins with the peak of whoever started this program.
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  process.stdout.write(`${Number(kilobytes) * 1024}\n`);
}
