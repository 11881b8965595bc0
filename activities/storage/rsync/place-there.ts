/**
 * The marker of a place that is behind a connection. It is read and compared with what this host remembers once in a
 * connection; after that each step looks for it in the same session in which it does its work.
 */
import { BackupError } from '../../../model/errors.ts';
import { MARKER, requireMarker, type Place } from '../place.ts';
import { ownError } from './errors.ts';
import type { Link } from './link.ts';
import { MOVED } from './moved.ts';
import { quote } from './quote.ts';
import type { Side } from './side.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** Runs `body` once the folder is known to be the one that was used before; again, when that has changed meanwhile. */
export async function inPlaceThere<T>(
  {
    side,
    link,
    place,
    use,
  }: { readonly side: Side; readonly link: Link; readonly place: Place; readonly use: 'read' | 'write' },
  body: () => Promise<T>,
): Promise<T> {
  const { places, server } = link;
  try {
    return await once();
  } catch (error) {
    if (!isMoved(error)) throw error;
    places.delete(server.root);
    return once();
  }

  async function once(): Promise<T> {
    const known = places.get(server.root);
    if (known === undefined || (use === 'write' && known.use === 'read')) {
      const id = await require(side, link, place, use);
      if (id !== undefined) places.set(server.root, { id, use });
    }
    return body();
  }
}

/** The id in the marker; undefined where there is none, or one that is not of this form. */
async function require(side: Side, { server }: Link, place: Place, use: 'read' | 'write'): Promise<string | undefined> {
  let known: Uint8Array | undefined;
  async function read(): Promise<Uint8Array | undefined> {
    known = (await side.read([MARKER])).get(MARKER);
    return known;
  }
  await requireMarker(place, use, {
    read,
    mark: async (bytes) => {
      await side.store(MARKER, bytes, false);
      // Another host may have been quicker.
      const there = await read();
      if (there) return there;
      throw ownError(
        server,
        'failed',
        'marking the folder',
        'what was written there is gone',
        'See who else writes to that folder.',
      );
    },
  });
  return known && idIn(known);
}

function idIn(marker: Uint8Array): string | undefined {
  return UUID.exec(Buffer.from(marker).toString('latin1'))?.[0];
}

/** The beginning of a script: nothing is done in a folder without the marker. Empty while none is known. */
export function guard({ places, server }: Link): string {
  const known = places.get(server.root);
  if (known === undefined) return '';
  return `case $(cat ${MARKER} 2>/dev/null) in *${quote(known.id)}*) ;; *) exit ${MOVED} ;; esac\n`;
}

/** The same of a marker that was fetched, or whose absence shows in a list. */
export function requireSame({ places, server }: Link, marker: Uint8Array | 'there' | undefined): void {
  const known = places.get(server.root);
  if (known === undefined) return;
  const same = marker === 'there' || (marker !== undefined && idIn(marker) === known.id);
  if (!same)
    throw new BackupError('unreachable', `The folder of ${server.name} has no marker any more.`, {
      facts: { code: MOVED },
    });
}

function isMoved(error: unknown): boolean {
  return error instanceof BackupError && error.facts['code'] === MOVED;
}
