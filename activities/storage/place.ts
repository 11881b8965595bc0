/**
 * What protects from an unmounted disk. An empty folder where a disk should be mounted looks like a place that holds
 * nothing, and would be filled on the wrong disk. So each place carries a marker in its root, and the host remembers
 * in state which places it has used: a place that was used and has no marker is not there. A destination's folder is
 * never made by us, not even its last part: the mount point may be what is missing.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { makePath, publish, writeNew } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { parseRecord } from './record.ts';

/** Name of the marker in the root of a place. Hidden, so it is never listed as an object. */
export const MARKER = '.mosaic-backup.json';
const MARKER_SCHEMA = 'mosaic-backup/place@1';

const marker = z.looseObject({
  schema: z.literal(MARKER_SCHEMA),
  id: z.string(),
  site: z.string(),
  created: z.string(),
});
type Marker = z.infer<typeof marker>;
const memory = z.looseObject({ path: z.string(), id: z.string() });

export interface Place {
  /** `repository`, or `destination <name>`: for messages, and the name of what is remembered. */
  readonly what: string;
  readonly root: string;
  readonly site: string;
  /** This host's state folder. */
  readonly state: string;
  /** It is a disk of its own: before its first use a folder on the disk of the state folder is its bare mount point. */
  readonly removable?: boolean;
}

/** Whether this host has written to the place before. */
export async function wasUsed(place: Place): Promise<boolean> {
  return (await remember(place))?.path === place.root;
}

/**
 * Makes sure that a place is the one that was used before. Reading from a place that was never written to is fine;
 * writing to it for the first time marks it.
 * @throws BackupError `unreachable` when its folder is missing or its disk is not mounted, `refused` when it belongs to another site.
 */
export async function requirePlace(place: Place, use: 'read' | 'write'): Promise<void> {
  const { root, site } = place;
  await translated(root, `looking at the ${place.what}`, async () => {
    const found = await ifThere(stat(root));
    if (found === undefined || !found.isDirectory()) throw missing(place);
    const there = await readMarker(root);
    if (there !== undefined && there.site !== site) throw foreign(place, there);
    const remembered = await remember(place);
    if (there === undefined && remembered?.path === root) throw unmounted(place);
    if (there === undefined && place.removable && found.dev === (await deviceAround(place.state))) throw noDisk(place);
    if (there !== undefined && remembered?.path === root && remembered.id === there.id) return;
    if (use === 'read') return;
    await store(place, there ?? (await mark(place)));
  });
}

/** The device of a folder, or of where it would be made. */
async function deviceAround(folder: string): Promise<number> {
  const found = await ifThere(stat(folder));
  return found === undefined ? deviceAround(path.dirname(folder)) : found.dev;
}

async function readMarker(root: string): Promise<Marker | undefined> {
  const bytes = await ifThere(readFile(path.join(root, MARKER)));
  return bytes === undefined ? undefined : parseRecord(bytes, marker, `marker ${path.join(root, MARKER)}`);
}

async function mark(place: Place): Promise<Marker> {
  const { root, site } = place;
  const made: Marker = { schema: MARKER_SCHEMA, id: randomUUID(), site, created: new Date().toISOString() };
  try {
    await writeNew(path.join(root, MARKER), encode(made));
    return made;
  } catch (error) {
    const other = errnoOf(error) === 'EEXIST' ? await readMarker(root) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

function memoryFile({ state, what }: Place): string {
  return path.join(state, 'places', `${what.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.json`);
}

async function remember(place: Place): Promise<z.infer<typeof memory> | undefined> {
  const file = memoryFile(place);
  const bytes = await ifThere(readFile(file));
  return bytes === undefined ? undefined : parseRecord(bytes, memory, `memory ${file}`);
}

async function store(place: Place, there: Marker): Promise<void> {
  const file = memoryFile(place);
  await makePath(path.dirname(file));
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeNew(temporary, encode({ path: place.root, id: there.id }));
    await publish(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

function encode(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
}

function missing({ root, what }: Place): BackupError {
  return new BackupError('unreachable', `The ${what} is not there: ${root} does not exist.`, {
    remedy: `Mount its disk if it has one; when this is its first use, make the folder: install -d -m 700 ${root}`,
    facts: { path: root },
  });
}

function unmounted(place: Place): BackupError {
  const { root, what } = place;
  return new BackupError(
    'unreachable',
    `The ${what} is not there: ${root} was used before, and its marker (${MARKER}) is gone.`,
    {
      remedy: `Mount its disk. If the folder was emptied on purpose, remove ${memoryFile(place)}, and it is used as a new one.`,
      facts: { path: root, marker: MARKER },
    },
  );
}

function noDisk({ root, what }: Place): BackupError {
  return new BackupError('unreachable', `The ${what} is not there: no disk is mounted at ${root}.`, {
    remedy: `Plug the disk in and mount it; a folder that is to stay on this machine's own disk is not "removable".`,
    facts: { path: root },
  });
}

function foreign({ root, what, site }: Place, there: Marker): BackupError {
  return new BackupError('refused', `The ${what} at ${root} belongs to the site "${there.site}", not to "${site}".`, {
    remedy: 'Give each site a folder of its own.',
    facts: { path: root, site: there.site },
  });
}
