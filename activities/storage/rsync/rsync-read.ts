/** Reading back by rsync alone: it writes files only, so what is read lies in a spool for as long as it takes. */
import path from 'node:path';
import type { Readable } from 'node:stream';
import { openFileStream } from '../../streams/blocks-of.ts';
import { digestFile } from '../../streams/digest.ts';
import type { Work } from '../../work.ts';
import { requireSpace } from '../space.ts';
import type { Stored } from '../types.ts';
import type { Link } from './link.ts';
import { sizeOf } from './list.ts';
import { quietWork } from '../quiet.ts';
import { withSpool } from './spool.ts';
import { pull } from './transfer.ts';

/** Once it is open the file's name is removed, so that nothing is left of it when its stream ends, or this process. */
export function openHere(link: Link, state: string, key: string): Promise<Readable | undefined> {
  return fetched(link, state, { name: key, work: quietWork() }, openFileStream);
}

export interface Reading {
  readonly name: string;
  readonly work: Work;
  /** Where it has another size it counts as not there. */
  readonly bytes?: number;
}

/** SHA-256 of the bytes as they come back: what a restore would get. */
export function digestHere(
  link: Link,
  state: string,
  { phase, ...reading }: Reading & { readonly phase: string },
): Promise<Stored | undefined> {
  return fetched(link, state, reading, (file) => digestFile(file, reading.work, phase));
}

async function fetched<T>(
  link: Link,
  state: string,
  { name, work, bytes: expected }: Reading,
  use: (file: string) => Promise<T>,
): Promise<T | undefined> {
  const bytes = await sizeOf(link, name);
  if (bytes === undefined || (expected !== undefined && bytes !== expected)) return undefined;
  return withSpool(state, async (into) => {
    await requireSpace({ path: into, needed: bytes });
    const phase = `reading from ${link.server.name}`;
    await pull(link, { keys: [name], into, bytes, doing: `reading ${name}`, phase, work });
    return use(path.join(into, name));
  });
}
