/** Asks for pipes where no descriptor is left but so many, and prints what came of it. */
import { closeSync, openSync } from 'node:fs';
import { openPipes } from '../../../activities/streams/pipes.ts';
import { BackupError } from '../../../model/errors.ts';

const left = Number(process.argv[2]);
const held: number[] = [];
try {
  for (;;) held.push(openSync('/dev/null', 'r'));
} catch {
  for (const descriptor of held.splice(0, left)) closeSync(descriptor);
}
try {
  await openPipes(1);
} catch (error) {
  process.stdout.write(error instanceof BackupError ? error.message : String(error));
}
