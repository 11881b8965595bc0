/** What a backup holds, by its inventory, as paths: of files as they were, of databases `/shop/public.orders`. Nothing of it is restored. */
import { BackupError } from '../../../model/errors.ts';
import { inventoryHeader, mariadbEntry, postgresEntry, redisEntry } from '../../../model/inventory.ts';
import { bufferOf } from '../../sources/files/names.ts';
import { readInventory } from '../../sources/files/inventory.ts';
import type { BackupReader } from '../../sources/types.ts';

export interface HeldEntry {
  /** From the root, without the leading slash; odd bytes as in inventories. */
  readonly path: string;
  /** `file`, `directory`, `symlink`, …; `database`, `table`, `view`, … */
  readonly kind: string;
  /** Bytes; null where the inventory has none. */
  readonly size: number | null;
  /** Only of files. */
  readonly file?: {
    /** Octal. */
    readonly mode: string;
    readonly uid: number;
    readonly gid: number;
    /** RFC 3339. */
    readonly mtime: string;
    readonly target: string | null;
    /** It changed, or could not be read, while it was captured. */
    readonly unsettled: boolean;
  };
  /** What else the inventory says, in words. */
  readonly note?: string;
}

/** @throws BackupError `usage` for a type whose inventory holds no such thing; `verification-failed`. */
export async function entriesOf(backup: BackupReader): Promise<readonly HeldEntry[]> {
  const { type } = backup.manifest;
  if (type === 'files') return filesOf(backup);
  const read = DATABASES[type];
  if (read) return databasesOf(backup, read);
  throw new BackupError('usage', `The inventory of a backup of type ${type} is no list to look through.`, {
    remedy: 'mosaic-backup show tells what it holds; restored to a folder (restore --to) all can be seen.',
  });
}

async function filesOf(backup: BackupReader): Promise<readonly HeldEntry[]> {
  const found: HeldEntry[] = [];
  for (const { path, type, size, mode, uid, gid, mtime, target, unsettled } of (await readInventory(backup)).values()) {
    const file = { mode, uid, gid, mtime: timeOf(mtime), target: target ?? null, unsettled: unsettled ?? false };
    found.push({ path, kind: type, size, file });
  }
  return found.toSorted(byPath);
}

/** To the second. */
function timeOf(mtime: string): string {
  const milliseconds = Number(mtime.split('.', 1)[0]) * 1000;
  const isTime = Math.abs(milliseconds) <= 8.64e15;
  return isTime ? new Date(milliseconds).toISOString().replace('.000Z', 'Z') : mtime;
}

type Read = (value: unknown) => HeldEntry | undefined;

/** pg_class.relkind in words. */
const RELATIONS: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  i: 'index',
  I: 'partitioned index',
  S: 'sequence',
  t: 'toast',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  c: 'type',
};

const DATABASES: Readonly<Partial<Record<string, Read>>> = {
  postgres(value) {
    const entry = postgresEntry.parse(value);
    if (entry.entry === 'database') return { path: entry.name, kind: 'database', size: entry.bytes };
    if (entry.entry !== 'relation') return undefined;
    const { database, schema, name, kind, bytes, logged } = entry;
    const note = logged ? {} : { note: 'unlogged: it comes back empty' };
    return { path: `${database}/${schema}.${name}`, kind: RELATIONS[kind] ?? kind, size: bytes, ...note };
  },
  mariadb(value) {
    const entry = mariadbEntry.parse(value);
    if (entry.entry === 'database') return { path: entry.name, kind: 'database', size: null };
    if (entry.entry !== 'table') return undefined;
    const { database, name, kind, engine, bytes } = entry;
    return {
      path: `${database}/${name}`,
      kind: kind === 'BASE TABLE' ? 'table' : kind.toLowerCase(),
      size: bytes,
      ...(engine === null ? {} : { note: engine }),
    };
  },
  redis(value) {
    const entry = redisEntry.parse(value);
    if (entry.entry !== 'database') return undefined;
    const { index, keys, expires } = entry;
    return { path: String(index), kind: 'database', size: null, note: `${keys} keys, ${expires} with a TTL` };
  },
};

async function databasesOf(backup: BackupReader, read: Read): Promise<readonly HeldEntry[]> {
  const found: HeldEntry[] = [];
  let isFirst = true;
  for await (const line of backup.lines('inventory')) {
    const value: unknown = JSON.parse(line);
    if (isFirst) inventoryHeader.parse(value);
    else found.push(...[read(value)].filter((entry) => entry !== undefined));
    isFirst = false;
  }
  return withSums(found).toSorted(byPath);
}

/** A database without a size of its own is as big as what is in it. */
function withSums(entries: readonly HeldEntry[]): readonly HeldEntry[] {
  const sums = new Map<string, number>();
  for (const { path, size } of entries) {
    const [database = path, name] = path.split('/');
    if (name !== undefined && size !== null) sums.set(database, (sums.get(database) ?? 0) + size);
  }
  return entries.map((entry) => {
    const sum = entry.kind === 'database' && entry.size === null ? sums.get(entry.path) : undefined;
    return sum === undefined ? entry : withSize(entry, sum);
  });
}

function withSize(entry: HeldEntry, size: number): HeldEntry {
  return { ...entry, size };
}

/** By bytes, as ls does in the C locale. */
function byPath(one: HeldEntry, two: HeldEntry): number {
  return Buffer.compare(bufferOf(one.path), bufferOf(two.path));
}
