/** When the last write was that a restored data folder holds, as its own files say. */
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Work } from '../../work.ts';
import { parseManifest } from './aof-manifest.ts';
import { rfc3339, type Position } from './position.ts';
import type { Programs } from './programs.ts';
import { runTool } from './tools.ts';

/**
 * RFC 3339, in whole seconds: of a dump the instant that it holds; of append-only files their last annotation, where the
 * server makes any (aof-timestamp-enabled); undefined where nothing tells.
 */
export async function lastWrite(
  data: string,
  { method, names, times }: Position,
  programs: Programs,
  work: Work,
): Promise<string | undefined> {
  if (method !== 'aof') return takenAt(path.join(data, names.dbfilename), programs, work);
  if (!times.every) return undefined;
  const folder = path.join(data, names.appenddirname);
  const entries = parseManifest(await readFile(path.join(folder, `${names.appendfilename}.manifest`), 'utf8'));
  for (const { name } of entries.filter(({ type }) => type === 'incr').toReversed()) {
    const last = await lastAnnotation(path.join(folder, name), times);
    if (last !== undefined) return last;
  }
  return undefined;
}

/** The server wrote its time at the head of the dump. What a preparation made of it since has another. */
async function takenAt(file: string, programs: Programs, work: Work): Promise<string | undefined> {
  const { output } = await runTool(programs.checkRdb, [file], work);
  const seconds = /AUX FIELD ctime = '(\d+)'/.exec(output)?.[1];
  return seconds === undefined ? undefined : rfc3339(Number(seconds) * 1000);
}

/** Bytes that are looked at, at a time, from the end on: with a write a second, an annotation is among the last ones. */
const WINDOW = 1 << 20;
const ANNOTATION = /(?:^|\r\n)#TS:(\d+)\r\n/g;
/** Bytes of one, at most: it may lie across two windows. */
const LONGEST = 32;

/** What a private server has appended since (keys that expired) has none. A value that looks like one lies hardly in these times. */
async function lastAnnotation(file: string, { from, to }: Position['times']): Promise<string | undefined> {
  const [earliest, latest] = [Math.floor(Date.parse(from) / 1000), Math.ceil(Date.parse(to) / 1000)];
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    for (let end = size; end > 0; end -= WINDOW) {
      const start = Math.max(0, end - WINDOW);
      const length = Math.min(size, end + LONGEST) - start;
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, start);
      const found = [...buffer.toString('latin1').matchAll(ANNOTATION)]
        .map(([, seconds]) => Number(seconds))
        .findLast((seconds) => earliest <= seconds && seconds <= latest);
      if (found !== undefined) return rfc3339(found * 1000);
    }
    return undefined;
  } finally {
    await handle.close();
  }
}
