/**
 * Folders of received WAL, one for each slot that there was: pg_receivewal goes on behind the last segment that it
 * finds, which a new slot, or another cluster, may not have any more.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';

export interface Generation {
  readonly folder: string;
  readonly number: number;
  readonly systemId: string;
}

/** `000001-7423…` */
const NAME = /^(\d{6})-(\d+)$/;

/** All that are there, the oldest first. */
export async function generations(received: string): Promise<readonly Generation[]> {
  const found = (await readdir(received)).toSorted().map((name) => ({ name, match: NAME.exec(name) }));
  return found.flatMap(({ name, match }) =>
    match?.[1] && match[2] ? [{ folder: path.join(received, name), number: Number(match[1]), systemId: match[2] }] : [],
  );
}

/** Begins a new one. Before its slot is made: a slot without its folder would be read into the one before. */
export async function beginGeneration(received: string, systemId: string): Promise<Generation> {
  const number = ((await generations(received)).at(-1)?.number ?? 0) + 1;
  const folder = path.join(received, `${String(number).padStart(6, '0')}-${systemId}`);
  await mkdir(folder, { mode: 0o700 });
  return { folder, number, systemId };
}

/** Removes one whose segments are sealed, all of them. */
export async function endGeneration({ folder }: Generation): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
