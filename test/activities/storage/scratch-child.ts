/** A restore that has made its scratch, says where it is, and gets no further. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { withScratch } from '../../../activities/storage/scratch.ts';

const { within, prefix } = JSON.parse(process.argv[2] ?? '') as { readonly within: string; readonly prefix: string }; // written by the test beside
await withScratch(within, prefix, async (scratch) => {
  await writeFile(path.join(scratch, 'plaintext'), 'a secret');
  console.log(scratch);
  await new Promise(() => setInterval(() => undefined, 1000));
});
