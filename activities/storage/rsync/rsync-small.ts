/** Small files by rsync alone. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ifThere } from '../fs-errors.ts';
import { MARKER } from '../place.ts';
import type { Link } from './link.ts';
import { requireSame } from './place-there.ts';
import { INCOMING, rootOf, runRsync } from './program.ts';
import { quietWork } from '../quiet.ts';
import { withSpool } from './spool.ts';
import { pull, push } from './transfer.ts';

/** Small files by their names; those that are not there lack. */
export function readSmall(
  link: Link,
  state: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  return withSpool(state, async (into) => {
    await pull(link, { keys: [MARKER, ...names], into, doing: `reading ${names.at(-1) ?? ''}`, work: quietWork() });
    const found = await Promise.all(
      [MARKER, ...names].map(async (name) => [name, await ifThere(readFile(path.join(into, name)))] as const),
    );
    const all = new Map(found.flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, bytes] as const])));
    requireSame(link, all.get(MARKER));
    return all;
  });
}

export interface Small {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly replace: boolean;
}

/**
 * Stores one, and reads it again: a server that lets nothing be overwritten ignores what is sent and says that all is
 * well (rsync ends with 0).
 */
export async function storeSmall(
  link: Link,
  state: string,
  { name, bytes, replace }: Small,
): Promise<'stored' | 'other'> {
  const there = (await readSmall(link, state, [name])).get(name);
  if (there !== undefined && Buffer.from(there).equals(bytes)) return 'stored';
  if (there !== undefined && !replace) return 'other';
  await withSpool(state, async (stage) => {
    const file = path.join(stage, '.content');
    await writeFile(file, bytes, { mode: 0o600 });
    const doing = `writing ${name}`;
    await push(link, {
      stage,
      file,
      to: name,
      bytes: bytes.length,
      how: 'small',
      doing,
      phase: doing,
      work: quietWork(),
    });
  });
  const after = (await readSmall(link, state, [name])).get(name);
  return after !== undefined && Buffer.from(after).equals(bytes) ? 'stored' : 'other';
}

/** Gives a hidden folder the time of now: it takes the right to write and leaves nothing, also where nothing may be deleted. */
export function touchThere(link: Link, state: string): Promise<void> {
  return withSpool(state, async (stage) => {
    await mkdir(path.join(stage, INCOMING), { mode: 0o700 });
    await runRsync(link, 'commands', {
      args: ['--dirs', '--times', '--relative', '--no-implied-dirs', `${stage}/./${INCOMING}`, rootOf(link)],
      doing: 'writing',
      work: quietWork(),
    });
  });
}
