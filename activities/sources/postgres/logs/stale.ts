/**
 * Segments in a spool that are not behind what is sealed: a death between a seal and the removal left them, an
 * archive_command brought them twice, or somebody has put an old spool back. The same as what is sealed are removed; one
 * that differs stops the shipping; of one that nobody has sealed nothing is known, and it may be the only one there is.
 */
import { BackupError } from '../../../../model/errors.ts';
import type { Warning } from '../../../../model/manifest.ts';
import { some } from '../../check-results.ts';
import type { Server } from './describe-server.ts';
import { lastSegment, logsPosition } from './position.ts';
import { segmentDigest, type ReceivedSegment } from './received.ts';
import { segmentName } from './segments.ts';
import { logsIn } from './select.ts';
import type { Context } from './ship.ts';
import { dropTaken, takeAll } from './spool.ts';

export interface Settled {
  /** Behind what is sealed. */
  readonly fresh: readonly ReceivedSegment[];
  /** Names of those that are before it, and in no sealed backup. They stay where they are. */
  readonly strays: readonly string[];
}

interface Spooling {
  readonly about: Server;
  readonly segments: readonly ReceivedSegment[];
  /** Name of the segment that the server has just closed: it tells the timeline that is written. */
  readonly closed: string;
}

/** @throws BackupError `conflict` where one is another than the sealed one of its name; it stays as well. */
export async function settleStale(
  context: Context,
  spool: string,
  { about, segments, closed }: Spooling,
): Promise<Settled> {
  const newest = context.newest === null ? undefined : logsPosition.parse(context.newest.position);
  const last = newest?.systemId === about.systemId ? lastSegment(newest) : undefined;
  if (!newest || !last) return { fresh: segments, strays: [] };
  const { isNext, isSetBack } = orderOf(segmentName(last, about.segmentBytes), closed);
  const names = segments.map(({ name }) => name);
  // What a server that was set back writes may bear a name that is sealed, and so have come before.
  const doubtful = names.filter((name) => isSetBack || !isNext(name));
  const sealed = await digestsOf(context, about.systemId, doubtful);
  for (const one of await takeAll(spool, doubtful)) {
    const digests = sealed.get(one.name);
    if (!digests) continue;
    if (!digests.has(await segmentDigest(spool, one.name))) throw another(spool, one.name);
    await dropTaken(spool, [one]);
  }
  return {
    fresh: segments.filter(({ name }) => isNext(name) && !sealed.has(name)),
    strays: names.filter((name) => !isNext(name) && !sealed.has(name)),
  };
}

/**
 * Which names come behind what is sealed. A later timeline than the server's is one that was left. A server that was set
 * back by hand to data of before a restore in place goes on with an earlier one: what it writes is new, and lower by name.
 */
function orderOf(end: string, closed: string) {
  const timeline = (name: string) => name.slice(0, 8);
  const isSetBack = timeline(closed) < timeline(end);
  function isNext(name: string): boolean {
    if (isSetBack) return timeline(name) === timeline(closed);
    return name > end && timeline(name) <= timeline(closed);
  }
  return { isNext, isSetBack };
}

/** What sealed logs hold under these names: after data were set back by hand there may be two of one name. */
async function digestsOf(
  { sealed }: Context,
  systemId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  if (names.length === 0) return found;
  for await (const manifest of sealed((id) => names.some((name) => mayHold(id, systemId, name)))) {
    const [logs] = logsIn([manifest]);
    for (const name of names) {
      const digest = logs?.position.segments[name];
      if (digest !== undefined) found.set(name, (found.get(name) ?? new Set()).add(digest));
    }
  }
  return found;
}

/** The id of logs is their range. The begun segment of a stopped server (`….partial`) is none that was archived. */
function mayHold(id: string, systemId: string, name: string): boolean {
  const [, of, first = '', last = ''] = /^(\d+)\.([0-9A-F]{24})-([0-9A-F]{24})$/.exec(id) ?? [];
  return of === systemId && first <= name && name <= last;
}

function another(spool: string, name: string): BackupError {
  return new BackupError(
    'conflict',
    `${spool}/${name} is another segment than the sealed one of its name. Nothing was shipped, and nothing was removed.`,
    {
      remedy:
        'Find out who wrote it: a second server of this history, which must be stopped, or a damaged copy that somebody put back. Move the file away.',
      facts: { file: `${spool}/${name}`, segment: name },
    },
  );
}

/** For the manifest, and whoever is told of the tick. */
export function strayWarnings(spool: string, strays: readonly string[]): readonly Warning[] {
  if (strays.length === 0) return [];
  const message = `In ${spool} lie segments of before what is shipped that no sealed backup holds: ${some(strays)}. They may fill a hole, or be of a history that was left; they are neither shipped nor removed.`;
  return [{ code: 'logs-stray', message, partial: false }];
}
