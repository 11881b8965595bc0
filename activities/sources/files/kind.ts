/** Whether the next backup can build on the newest one. */
import { z } from 'zod';
import type { FilesSource } from '../../../model/config/source.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { haveLists } from './lists.ts';
import { findSnapshot } from './snapshot.ts';

/** What a files source writes into `position` of its manifests. */
export const position = z.looseObject({
  /** Token of this backup's snapshot file and list in state; null when no incremental may build on it. */
  snapshot: z.string().nullable(),
});

/** What it writes into `engine`, as far as it is read again. */
const engine = z.looseObject({ paths: z.array(z.string()), exclude: z.array(z.string()) });

export interface Decision {
  readonly kind: 'full' | 'incremental';
  /**
   * Tokens of the newest chain, as far as the next backup may build on it: its lists, and the last one's snapshot
   * file. Whatever comes next, they count until another backup is sealed.
   */
  readonly tokens: readonly string[];
  /** Why a full that was not due is made; null when it was. */
  readonly unexpected: string | null;
}

/** Decides by the newest chain (full first), and by what state holds. */
export async function decideKind(config: FilesSource, state: string, chain: readonly Manifest[]): Promise<Decision> {
  const newest = chain.at(-1);
  const tokens = chain.map((manifest) => position.safeParse(manifest.position).data?.snapshot ?? null);
  const known = tokens.filter((token) => token !== null);
  function full(unexpected: string | null): Decision {
    return { kind: 'full', tokens: known, unexpected };
  }
  if (!newest || chain.length - 1 >= config.incrementals) return full(null);
  if (!sameSelection(config, newest)) return full('paths or exclude in the config have changed');
  const token = tokens.at(-1) ?? null;
  if (token === null) return full(`${newest.id} could not read everything, so nothing may build on it`);
  const snapshot = await findSnapshot(state, token);
  if (!snapshot || known.length < chain.length || !(await haveLists(state, known))) {
    return full(`what state knew of ${newest.id} is not in ${state} any more`);
  }
  if (Number(snapshot.time.seconds) * 1000 > Date.now()) return full('the clock was set back since the last backup');
  return { kind: 'incremental', tokens: known, unexpected: null };
}

/** Files that a changed list adds are older than the last backup, so an incremental would miss them in silence. */
function sameSelection({ paths, exclude }: FilesSource, { engine: recorded }: Manifest): boolean {
  const before = engine.safeParse(recorded).data;
  return before !== undefined && JSON.stringify([before.paths, before.exclude]) === JSON.stringify([paths, exclude]);
}
