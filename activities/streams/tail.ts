/** The end of what a program prints. */
import type { Readable } from 'node:stream';
import { lineSplitter } from './lines.ts';

const KEPT_BYTES = 64 * 1024;

/** Reads a program's stderr to its end; keeps the last 64 KiB and hands every line to `onLine`. */
export async function tailOf(stderr: Readable, onLine?: (line: string) => void): Promise<string> {
  const splitter = lineSplitter();
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stderr as AsyncIterable<Buffer>) {
    if (onLine) for (const line of splitter.push(chunk)) onLine(line);
    kept.push(chunk);
    bytes += chunk.length;
    while (kept.length > 1 && bytes - (kept[0]?.length ?? 0) >= KEPT_BYTES) bytes -= kept.shift()?.length ?? 0;
  }
  if (onLine) for (const line of splitter.rest()) onLine(line);
  const whole = Buffer.concat(kept);
  if (whole.length <= KEPT_BYTES) return whole.toString('utf8');
  // From the next whole line on: half a secret would escape redaction.
  const end = whole.subarray(-KEPT_BYTES).toString('utf8');
  return end.slice(end.indexOf('\n') + 1);
}
