/** Whether the next backup can build on the newest one. */
import { z } from 'zod';
import type { FilesSource } from '../../../model/config/source.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { findSnapshot } from './snapshot.ts';

/** What a files source writes into `position` of its manifests. */
export const position = z.looseObject({
  /** Token of the snapshot file in state that belongs to this backup; null when no incremental may build on it. */
  snapshot: z.string().nullable(),
});

/** What it writes into `engine`, as far as it is read again. */
const engine = z.looseObject({ paths: z.array(z.string()), exclude: z.array(z.string()) });

export interface Decision {
  readonly kind: 'full' | 'incremental';
  /** Token of the parent's snapshot file, for an incremental. */
  readonly snapshot: string | null;
  /** Token of the newest backup's snapshot file, whatever comes next: it counts until another backup is sealed. */
  readonly newest: string | null;
  /** Why a full that was not due is made; null when it was. */
  readonly unexpected: string | null;
}

/** Decides by the newest chain (full first), and by what state holds. */
export async function decideKind(config: FilesSource, state: string, chain: readonly Manifest[]): Promise<Decision> {
  const newest = chain.at(-1);
  const token = position.safeParse(newest?.position).data?.snapshot ?? null;
  const due = { kind: 'full', snapshot: null, newest: token, unexpected: null } as const;
  if (!newest || chain.length - 1 >= config.incrementals) return due;
  if (!sameSelection(config, newest)) return { ...due, unexpected: 'paths or exclude in the config have changed' };
  if (token === null)
    return { ...due, unexpected: `${newest.id} could not read everything, so nothing may build on it` };
  const snapshot = await findSnapshot(state, token);
  if (!snapshot) return { ...due, unexpected: `tar's snapshot file of ${newest.id} is not in ${state} any more` };
  if (Number(snapshot.time.seconds) * 1000 > Date.now())
    return { ...due, unexpected: 'the clock was set back since the last backup' };
  return { kind: 'incremental', snapshot: token, newest: token, unexpected: null };
}

/** Files that a changed list adds are older than the last backup, so an incremental would miss them in silence. */
function sameSelection({ paths, exclude }: FilesSource, { engine: recorded }: Manifest): boolean {
  const before = engine.safeParse(recorded).data;
  return before !== undefined && JSON.stringify([before.paths, before.exclude]) === JSON.stringify([paths, exclude]);
}
