/** What lies in the lasting folder from before: received through a slot that is used no longer. */
import type { Shipped } from '../../types.ts';
import type { Server } from './describe-server.ts';
import { endGeneration, generations } from './generations.ts';
import { pack } from './pack.ts';
import { dropSealed, readReceived, upTo } from './received.ts';
import type { Context } from './ship.ts';

interface Earlier {
  readonly about: Server;
  readonly tools: Readonly<Record<string, string>>;
  /** The generation that is received into now; null where there is none. */
  readonly except: number | null;
}

/** It comes before all else, a step for each slot that there was; null where all of it is sealed. */
export async function sealReceived(context: Context, { about, tools, except }: Earlier): Promise<Shipped | null> {
  for (const old of await generations(context.received)) {
    if (old.number === except) continue;
    const found = await readReceived(old.folder, about.segmentBytes);
    const packed = await pack(context, { ...found, generation: old, about, closed: null, tools });
    if (packed) {
      const isAll = packed.last === found.segments.at(-1)?.name;
      const names = upTo(found.segments, packed.last);
      return { ...packed, onSealed: () => (isAll ? endGeneration(old) : dropSealed(old.folder, names)) };
    }
    await endGeneration(old);
  }
  return null;
}
