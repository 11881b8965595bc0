/** A worker of its own process: writes one artifact, and prints by how many MB its memory has grown at its peak. */
import { z } from 'zod';
import type { Program } from '../../../activities/streams/types.ts';
import { shell, write } from './artifacts.ts';

const user = z.object({ uid: z.int(), gid: z.int() });
const input = z.object({
  file: z.string(),
  producer: z.object({ command: z.string(), args: z.array(z.string()) }),
  user: user.optional(),
});

const { file, producer, user: as } = input.parse(JSON.parse(process.argv[2] ?? ''));
// All children bear the file's name in their environment, so that the test finds them.
process.env['MOSAIC_TEST_FILE'] = file;
// The first stream loads and compiles what the second one uses.
await write(shell('head -c 5000000 /dev/urandom'), `${file}.first`);
const program: Program = as ? { ...producer, user: as } : producer;
const before = process.memoryUsage.rss();
let peak = before;
const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5);
await write(program, file);
clearInterval(sampler);
console.log(Math.round((peak - before) / 1_000_000));
