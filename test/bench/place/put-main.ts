/**
 * A process that is to an upload what a worker is: its modules are loaded before, by the upload of a small object. Then it
 * waits for a line on stdin, uploads, and says how long it took and what memory it took.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { destinationOf } from '../../activities/storage/destination-of.ts';
import { storedOf } from '../../support/backups.ts';
import { testWork } from '../../support/work.ts';
import type { PutOrder, PutReport } from './put-process.ts';

const SMALL = Buffer.from('loads what an upload needs');
const { context, key, file, stored, small } = JSON.parse(process.argv[2] ?? '') as PutOrder; // written by the benchmark
const lines = createInterface({ input: process.stdin });
// The benchmark is gone: nobody waits for this any more.
lines.once('close', () => process.exit());
const destination = destinationOf(context);
await writeFile(small, SMALL);
await destination.put('small', small, storedOf(SMALL), testWork());
process.stdout.write('ready\n');
await once(lines, 'line');
const base = process.memoryUsage.rss();
const began = performance.now();
await destination.put(key, file, stored, testWork());
const seconds = (performance.now() - began) / 1000;
const report: PutReport = { seconds, base, peak: process.resourceUsage().maxRSS * 1024 };
process.stdout.write(`${JSON.stringify(report)}\n`);
