/** Servers that are found by where they listen: each once, by socket rather than by port. */
import { describeEndpoint, type Endpoint, type FoundByEndpoint } from './found.ts';
import { greeting } from './greeting.ts';
import { listening, type Listening } from './listening.ts';

export interface Looking {
  readonly type: FoundByEndpoint['type'];
  /** Names of its server programs. */
  readonly programs: readonly string[];
  /** Whether a socket or port may be one although nobody is seen behind it: its usual places. */
  readonly usual: (at: Endpoint) => boolean;
  /** What is said to it, and whether what it answers is what such a server says. */
  readonly say: string;
  readonly knows: (said: string) => boolean;
}

/** @param only leaves out what is not to be looked at. */
export async function findByEndpoint(
  { type, programs, usual, say, knows }: Looking,
  only: (at: Endpoint) => boolean = () => true,
): Promise<readonly FoundByEndpoint[]> {
  const all = (await listening(programs)).filter(({ at, owner }) => only(at) && (owner !== undefined || usual(at)));
  const ranked = all.toSorted(
    (a, b) => rank(a) - rank(b) || describeEndpoint(a.at).localeCompare(describeEndpoint(b.at)),
  );
  const found: FoundByEndpoint[] = [];
  const seen = new Set<string>();
  for (const { at, owner } of ranked) {
    // Without an owner nobody knows whether two are one server; the comment beside it says how it was found.
    const key = owner ? `process ${owner.pid}` : describeEndpoint(at);
    if (seen.has(key)) continue;
    const answer = await greeting(at, say);
    // One that this user may not reach is believed by its owner or its usual place.
    if (!answer || ('said' in answer && !knows(answer.said))) continue;
    seen.add(key);
    found.push({ type, at, by: owner ? `its process ${owner.program}` : `its ${'socket' in at ? 'socket' : 'port'}` });
  }
  return found;
}

/** What has an owner first, and sockets before ports. */
function rank({ at, owner }: Listening): number {
  return (owner ? 0 : 2) + ('socket' in at ? 0 : 1);
}
