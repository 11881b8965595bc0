/** The files in a source's state folder that belong to backups: tar's snapshot, and the lists of the chain. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { listFile } from './lists.ts';
import { snapshotFile } from './snapshot.ts';

/** Removes what belongs to other backups than those of a chain, of which the last one's snapshot file is kept. */
export async function sweepState(state: string, chain: readonly string[]): Promise<void> {
  const last = chain.at(-1);
  const kept = [
    ...chain.map((token) => listFile(state, token)),
    ...(last === undefined ? [] : [snapshotFile(state, last)]),
  ];
  const names = new Set(kept.map((file) => path.basename(file)));
  const stale = (await readdir(state)).filter(
    (name) => /^(?:tar-.*\.snar|list-.*\.zst)$/.test(name) && !names.has(name),
  );
  for (const name of stale) await rm(path.join(state, name), { force: true });
}

/** Removes what an attempt that failed has left. */
export async function dropAttempt(state: string, token: string): Promise<void> {
  await rm(snapshotFile(state, token), { force: true });
  await rm(listFile(state, token), { force: true });
}
