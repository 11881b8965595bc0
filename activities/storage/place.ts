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
  return (await remember(place))?.path === place.root;
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
    if (found === undefined || !found.isDirectory()) throw missing(place);
    if (place.removable && found.dev === (await deviceAround(place.state)) && (await isNew(place))) throw noDisk(place);
    await requireMarker(place, use, { read: () => ifThere(readFile(file)), mark: (bytes) => markFile(file, bytes) });
  });
}

/** What a disk says that was unplugged, though it counts as mounted still. */
const PULLED: ReadonlySet<string> = new Set(['EIO', 'ENODEV', 'ENXIO', 'ESHUTDOWN']);

async function looked({ root, what }: Place, look: () => Promise<void>): Promise<void> {
  try {
    await translated(root, `looking at the ${what}`, look);
  } catch (error) {
    const errno = error instanceof BackupError ? error.facts['errno'] : errnoOf(error);
    if (typeof errno !== 'string' || !PULLED.has(errno)) throw error;
    throw new BackupError('unreachable', `The ${what} is not there: the disk at ${root} does not answer (${errno}).`, {
      remedy: 'Look in `dmesg` and at the cable: when the disk is back, unmount it, and mount it again.',
      facts: { path: root, errno },
      cause: error,
    });
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
    parseMarker(place, await ifThere(readFile(path.join(root, MARKER))));
  });
}

/**
 * As `requirePlace`, for a place that is there and may hold its marker anywhere.
 * @throws BackupError `unreachable` when the place was used before and has no marker, `refused` when it belongs to another site.
 */
export async function requireMarker(place: Place, use: 'read' | 'write', { read, mark }: Marked): Promise<void> {
  const { root, site, host } = place;
  const there = parseMarker(place, await read());
  const remembered = await remember(place);
  if (there === undefined && remembered?.path === root) throw unmounted(place);
  if (there !== undefined && remembered?.path === root && remembered.id === there.id) return;
  if (use === 'read') return;
  const created = new Date().toISOString();
  const made: Marker = { schema: MARKER_SCHEMA, id: randomUUID(), site, ...(host !== undefined && { host }), created };
  await store(place, there ?? parseMarker(place, await mark(encode(made))) ?? made);
}

function parseMarker(place: Place, bytes: Uint8Array | undefined): Marker | undefined {
  if (bytes === undefined) return undefined;
  const there = parseRecord(bytes, marker, `marker ${place.root}/${MARKER}`);
  if (there.site !== place.site) throw foreign(place, there);
  if (there.host !== undefined && place.host !== undefined && there.host !== place.host)
    throw ofOtherHost(place, there.host);
  return there;
}

async function markFile(file: string, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    await writeNew(file, bytes);
    return bytes;
  } catch (error) {
    const other = errnoOf(error) === 'EEXIST' ? await ifThere(readFile(file)) : undefined;
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

function ofOtherHost({ root, what, host }: Place, other: string): BackupError {
  return new BackupError('refused', `The ${what} at ${root} is that of the host "${other}", not of "${host}".`, {
    remedy: `Give each host a folder of its own (hosts.${host}.repository). If this host was called "${other}" before: remove "host" from ${root}/${MARKER}.`,
    facts: { path: root, host: other },
  });
}
