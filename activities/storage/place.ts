/**
 * What protects from an unmounted disk. An empty folder where a disk should be mounted looks like a place that holds
 * nothing, and would be filled on the wrong disk. So each place carries a marker in its root, and the host remembers
 * in state which places it has used: a place that was used and has no marker is not there. A destination's folder is
 * never made by us, not even its last part: the mount point may be what is missing.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../model/errors.ts';
import { makePath, publish, syncFolder, writeNew } from './durable.ts';
import { errnoOf, ifThere, translated } from './fs-errors.ts';
import { withIncoming } from './incoming.ts';
import {
  foreign,
  forgotten,
  MARKER,
  MARKER_DAMAGED,
  markerDamaged,
  missing,
  noDisk,
  ofOtherHost,
  pulled,
  unmounted,
} from './place-errors.ts';
import { parseRecord } from './record.ts';

export { MARKER };
const MARKER_SCHEMA = 'mosaic-backup/place@1';

const marker = z.looseObject({
  schema: z.literal(MARKER_SCHEMA),
  id: z.string(),
  site: z.string(),
  /** Whose repository it is; absent at destinations, which all hosts use, and where it was marked before this was said. */
  host: z.string().optional(),
  created: z.string(),
});
type Marker = z.infer<typeof marker>;
const memory = z.looseObject({ path: z.string(), id: z.string() });

export interface Place {
  /** `repository`, or `destination <name>`: for messages, and the name of what is remembered. */
  readonly what: string;
  readonly root: string;
  readonly site: string;
  /** The one host whose place it is; absent where all hosts of a site use it. */
  readonly host?: string;
  /** This host's state folder. */
  readonly state: string;
  /** It is a disk of its own: before its first use a folder on the disk of the state folder is its bare mount point. */
  readonly removable?: boolean;
}

/** Whether this host has written to the place before. */
export async function wasUsed(place: Place): Promise<boolean> {
  return wasUsedBy(place, await remember(place));
}

/** A memory that is damaged may be of this place: it counts as used, so that nothing is marked that may be its mount point. */
function wasUsedBy({ root }: Place, remembered: Remembered): boolean {
  return remembered === 'damaged' || remembered?.path === root;
}

/** Where the marker of a place is kept, and how it is read and written there. */
export interface Marked {
  /** Undefined where there is none. */
  readonly read: () => Promise<Uint8Array | undefined>;
  /** Writes it unless there is one by now; then tells the one that is there. */
  readonly mark: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/**
 * Makes sure that a place is the one that was used before. Reading from a place that was never written to is fine;
 * writing to it for the first time marks it.
 * @throws BackupError `unreachable` when its folder is missing or its disk is not mounted, `refused` when it belongs to another site.
 */
export async function requirePlace(place: Place, use: 'read' | 'write'): Promise<void> {
  const { root } = place;
  const file = path.join(root, MARKER);
  await looked(place, async () => {
    const found = await ifThere(stat(root));
    if (found === undefined || !found.isDirectory()) throw missing(place, await wasUsed(place));
    if (place.removable && found.dev === (await deviceAround(place.state)) && (await isNew(place))) throw noDisk(place);
    await requireMarker(place, use, { read: () => ifThere(readFile(file)), mark: (bytes) => markFile(root, bytes) });
  });
}

/** What a disk says that was unplugged, though it counts as mounted still. */
const PULLED: ReadonlySet<string> = new Set(['EIO', 'ENODEV', 'ENXIO', 'ESHUTDOWN']);

async function looked(place: Place, look: () => Promise<void>): Promise<void> {
  try {
    await translated(place.root, `looking at the ${place.what}`, look);
  } catch (error) {
    const errno = error instanceof BackupError ? error.facts['errno'] : errnoOf(error);
    if (typeof errno !== 'string' || !PULLED.has(errno)) throw error;
    throw pulled(place, errno, error);
  }
}

/** Neither used before nor marked: it may be a bare mount point. */
async function isNew(place: Place): Promise<boolean> {
  return !(await wasUsed(place)) && (await ifThere(stat(path.join(place.root, MARKER)))) === undefined;
}

/** The device of a folder, or of where it would be made. */
async function deviceAround(folder: string): Promise<number> {
  const found = await ifThere(stat(folder));
  return found === undefined ? deviceAround(path.dirname(folder)) : found.dev;
}

/**
 * Looks whose a place is, where that can be told: one that is not there is not looked at.
 * @throws BackupError `refused` when it belongs to another site or host.
 */
export async function requireOwn(place: Place): Promise<void> {
  const { root, what } = place;
  await translated(root, `looking at the ${what}`, async () => {
    try {
      parseMarker(place, await ifThere(readFile(path.join(root, MARKER))));
    } catch (error) {
      // Whose it is cannot be told. Whatever needs it says so, and goes on once that is mended.
      if (!(error instanceof BackupError) || error.code !== MARKER_DAMAGED) throw error;
    }
  });
}

/**
 * As `requirePlace`, for a place that is there and may hold its marker anywhere.
 * @throws BackupError `unreachable` when the place was used before and has no marker, `refused` when it belongs to another site,
 *   `preflight-failed` when its marker cannot be read.
 */
export async function requireMarker(place: Place, use: 'read' | 'write', { read, mark }: Marked): Promise<void> {
  const { root, site, host } = place;
  const there = parseMarker(place, await read());
  const remembered = await remember(place);
  if (there === undefined && remembered === 'damaged') throw forgotten(place, memoryFile(place));
  const before = remembered === 'damaged' || remembered?.path !== root ? undefined : remembered;
  if (there === undefined && before !== undefined) throw unmounted(place, memoryFile(place));
  if (before !== undefined && before.id === there?.id) return;
  if (use === 'read') return;
  const created = new Date().toISOString();
  const made: Marker = { schema: MARKER_SCHEMA, id: randomUUID(), site, ...(host !== undefined && { host }), created };
  await store(place, there ?? parseMarker(place, await mark(encode(made))) ?? made);
}

function parseMarker(place: Place, bytes: Uint8Array | undefined): Marker | undefined {
  if (bytes === undefined) return undefined;
  const there = parsed(bytes, marker);
  if (there === undefined) throw markerDamaged(place, memoryFile(place));
  if (there.site !== place.site) throw foreign(place, there);
  if (there.host !== undefined && place.host !== undefined && there.host !== place.host)
    throw ofOtherHost(place, there.host);
  return there;
}

/** The marker appears whole: a death in the middle of its writing must not leave one that nobody can read. */
async function markFile(root: string, bytes: Uint8Array): Promise<Uint8Array> {
  const file = path.join(root, MARKER);
  try {
    await withIncoming(root, MARKER, async (temporary) => {
      await writeNew(temporary, bytes);
      await linkOrWrite(temporary, file, bytes);
    });
    await syncFolder(root);
    return bytes;
  } catch (error) {
    const other = errnoOf(error) === 'EEXIST' ? await ifThere(readFile(file)) : undefined;
    if (other === undefined) throw error;
    return other;
  }
}

/** What link(2) fails with on a file system that has no such thing, as those of USB sticks and some shares. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function linkOrWrite(temporary: string, file: string, bytes: Uint8Array): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (!NO_LINKS.has(errnoOf(error))) throw error;
    await writeNew(file, bytes);
  }
}

function memoryFile({ state, what }: Place): string {
  return path.join(state, 'places', `${what.replaceAll(/[^A-Za-z0-9._-]/g, '-')}.json`);
}

type Remembered = z.infer<typeof memory> | 'damaged' | undefined;

/** `damaged` heals by itself where the marker is there, as one that is lost does: it is written anew with the next use. */
async function remember(place: Place): Promise<Remembered> {
  const bytes = await ifThere(readFile(memoryFile(place)));
  return bytes === undefined ? undefined : (parsed(bytes, memory) ?? 'damaged');
}

/** Undefined where it is not what it should be. */
function parsed<Schema extends z.ZodType>(bytes: Uint8Array, schema: Schema): z.output<Schema> | undefined {
  try {
    return parseRecord(bytes, schema, 'record');
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
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
