/**
 * Inventories: what was captured, as JSON lines in the artifact `inventory.zst.age`. The first line is a
 * header; what a check compares a restore with. Never read from user tables unless a check role is configured.
 */
import { z } from 'zod';

export const INVENTORY_SCHEMA = 'mosaic-backup/inventory@1';

export const inventoryHeader = z.looseObject({
  schema: z.literal(INVENTORY_SCHEMA),
  source: z.string(),
  type: z.string(),
});

/** An entry of a files inventory. A later line for the same path replaces an earlier one. */
export const fileEntry = z.looseObject({
  /**
   * Relative to the root of the restore, without a leading slash. A byte that is not part of valid UTF-8 is the
   * lone surrogate U+DC00 + byte, in JSON `\udcff` (Python's "surrogateescape"), so that no name is lost.
   */
  path: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'hardlink', 'fifo', 'character', 'block']),
  size: z.int().nonnegative(),
  /** Permission bits in octal with setuid, setgid and sticky: `4755`. */
  mode: z.string().regex(/^[0-7]{3,4}$/),
  uid: z.int(),
  gid: z.int(),
  /** Seconds since the epoch, a dot, and nanoseconds, as text so that no precision is lost. */
  mtime: z.string(),
  /** Target of a symlink or hard link. */
  target: z.string().optional(),
  /** It changed, vanished or could not be read while it was captured: nothing can be compared with it. */
  unsettled: z.boolean().optional(),
});
export type FileEntry = z.infer<typeof fileEntry>;

/**
 * A line of a files inventory. `part` begins what one backup of the chain archived, the full first; the last part is
 * the backup's own. `gone` takes away the entry of that path, and all below it.
 */
export const filesLine = z.union([
  fileEntry,
  z.strictObject({ part: z.string() }),
  z.strictObject({ gone: z.string() }),
]);

/** What the rows of a PostgreSQL table are, so that a check can compare them. */
export const rowsOfTable = z.object({
  database: z.string(),
  schema: z.string(),
  name: z.string(),
  rows: z.number(),
  /** Of what the database's snapshot showed. */
  digest: z.string(),
});

/** One line of a PostgreSQL inventory. What came or went during the capture has `settled: false`: a restore may lack it. */
export const postgresEntry = z.discriminatedUnion('entry', [
  z.looseObject({ entry: z.literal('setting'), name: z.string(), value: z.string() }),
  z.looseObject({ entry: z.literal('role'), name: z.string(), superuser: z.boolean(), login: z.boolean() }),
  z.looseObject({
    entry: z.literal('database'),
    name: z.string(),
    bytes: z.number(),
    encoding: z.string(),
    collation: z.string(),
  }),
  z.looseObject({ entry: z.literal('extension'), database: z.string(), name: z.string(), version: z.string() }),
  z.looseObject({
    entry: z.literal('relation'),
    database: z.string(),
    schema: z.string(),
    name: z.string(),
    /** pg_class.relkind */
    kind: z.string(),
    bytes: z.number(),
    /** False for unlogged tables, which come back empty. */
    logged: z.boolean(),
  }),
  z.looseObject({
    entry: z.literal('rows'),
    ...rowsOfTable.shape,
  }),
  /** By what the rows of a database were read. */
  z.looseObject({
    entry: z.literal('snapshot'),
    database: z.string(),
    oid: z.string(),
    /** `xmin:xmax:xip,…`, as pg_current_snapshot() prints it. */
    snapshot: z.string(),
  }),
  /** The WAL around the taking of the snapshots, which the backup holds from its own end on. */
  z.looseObject({
    entry: z.literal('moment'),
    timeline: z.int(),
    /** LSN before the snapshots were taken. */
    from: z.string(),
    /** Transactions with a greater id (64 bits) have written nothing before that. */
    firstXid: z.string(),
    /** Made when they had been taken, and the LSN behind it. */
    restorePoint: z.string(),
    end: z.string(),
  }),
]);
export type PostgresEntry = z.infer<typeof postgresEntry>;

/** One line of a Redis inventory. */
export const redisEntry = z.discriminatedUnion('entry', [
  z.looseObject({ entry: z.literal('setting'), name: z.string(), value: z.string() }),
  z.looseObject({
    entry: z.literal('database'),
    index: z.int().nonnegative(),
    keys: z.int().nonnegative(),
    /** How many of the keys have a TTL. */
    expires: z.int().nonnegative(),
  }),
  z.looseObject({ entry: z.literal('functions'), libraries: z.int().nonnegative() }),
  /** What happened between the counting and the snapshot: by so much, and no more, a restore may differ. */
  z.looseObject({
    entry: z.literal('window'),
    /** Writes; null where the server could not tell. */
    changes: z.int().nonnegative().nullable(),
    /** Keys that came to the end of their TTL. */
    lapsed: z.int().nonnegative(),
  }),
]);
export type RedisEntry = z.infer<typeof redisEntry>;

/** One line of a MariaDB inventory. What came or went during the capture has `settled: false`: a restore may lack it. */
export const mariadbEntry = z.discriminatedUnion('entry', [
  z.looseObject({ entry: z.literal('setting'), name: z.string(), value: z.string() }),
  z.looseObject({ entry: z.literal('user'), name: z.string(), host: z.string() }),
  z.looseObject({ entry: z.literal('database'), name: z.string(), charset: z.string(), collation: z.string() }),
  z.looseObject({
    entry: z.literal('table'),
    database: z.string(),
    name: z.string(),
    /** `BASE TABLE`, `VIEW`, `SEQUENCE`, `SYSTEM VERSIONED` */
    kind: z.string(),
    /** Null for a view. */
    engine: z.string().nullable(),
    bytes: z.number(),
  }),
  z.looseObject({ entry: z.literal('routine'), database: z.string(), name: z.string(), kind: z.string() }),
  z.looseObject({
    entry: z.literal('event'),
    database: z.string(),
    name: z.string(),
    status: z.string(),
    /** When its time is over, in UTC (AT or ENDS); absent where it has no end, or nobody could read it. */
    ends: z.string().exactOptional(),
    /** Whether it stays, disabled, when its time is over; beside `ends` only. */
    preserved: z.boolean().exactOptional(),
  }),
  z.looseObject({
    entry: z.literal('rows'),
    database: z.string(),
    name: z.string(),
    rows: z.number(),
    /** CHECKSUM TABLE … EXTENDED; behind it, where two columns or more are of no fixed length, a sum that tells them apart. */
    digest: z.string(),
    /** True when it was the same before and after the capture, so that a restore must equal it. */
    stable: z.boolean(),
    /** True when it was read by the snapshot: a restore must equal it once it is where that stood. */
    snapshot: z.boolean().optional(),
  }),
  /** Where in the binary log the snapshot stood. The backup holds the log from its own end up to there. */
  z.looseObject({ entry: z.literal('snapshot'), file: z.string(), position: z.int() }),
]);
export type MariadbEntry = z.infer<typeof mariadbEntry>;
