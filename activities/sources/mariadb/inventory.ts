/** What a server holds, read from its catalogue. No user table is read for it, and no password hash. */
import { mariadbEntry, type MariadbEntry } from '../../../model/inventory.ts';
import type { Connection } from './connection.ts';
import { rows } from './session.ts';

/** How long the size of a table waits for whoever has locked it, in seconds. */
const LOCK_WAIT = 3;

/** What the server makes up at its start. */
const VIRTUAL = "('information_schema', 'performance_schema')";

const SETTINGS = [
  'CHARACTER_SET_SERVER',
  'COLLATION_SERVER',
  'EVENT_SCHEDULER',
  'INNODB_PAGE_SIZE',
  'LOWER_CASE_TABLE_NAMES',
  'SQL_MODE',
  'TIME_ZONE',
  'VERSION',
];

/** Everything that the account can list, by one client: each query gives entries, as JSON. */
export async function takeInventory(connection: Connection, signal: AbortSignal): Promise<readonly MariadbEntry[]> {
  const queries = [settingsQuery(), USERS, DATABASES, TABLES, ROUTINES, EVENTS];
  return rows(connection, mariadbEntry, queries.join(';\n'), { signal, lockWait: LOCK_WAIT });
}

/**
 * The inventory of a backup, from one taken before and one taken after it: what is in both must be in a restore;
 * what came or went meanwhile may or may not, and is marked `settled: false`.
 */
export function reconcile(before: readonly MariadbEntry[], after: readonly MariadbEntry[]): readonly MariadbEntry[] {
  const earlier = new Set(before.map(identityOf));
  return after.map((entry) => (earlier.has(identityOf(entry)) ? entry : { ...entry, settled: false }));
}

/** What makes an entry the same one: never its size, which changes all the time. */
const IDENTITY = {
  setting: ['name', 'value'],
  user: ['name', 'host'],
  database: ['name', 'charset', 'collation'],
  table: ['database', 'name', 'kind', 'engine'],
  routine: ['database', 'name', 'kind'],
  event: ['database', 'name', 'status'],
  rows: ['database', 'name'],
  snapshot: ['file', 'position'],
} as const satisfies Record<MariadbEntry['entry'], readonly string[]>;

/** A text that is the same for the same thing in two inventories. */
export function identityOf(entry: MariadbEntry): string {
  return JSON.stringify([entry.entry, ...IDENTITY[entry.entry].map((field) => entry[field])]);
}

function settingsQuery(): string {
  return `SELECT JSON_OBJECT('entry', 'setting', 'name', LOWER(VARIABLE_NAME), 'value', VARIABLE_VALUE)
            FROM information_schema.GLOBAL_VARIABLES
           WHERE VARIABLE_NAME IN (${SETTINGS.map((name) => `'${name}'`).join(', ')}) ORDER BY VARIABLE_NAME`;
}

const USERS =
  "SELECT JSON_OBJECT('entry', 'user', 'name', User, 'host', Host) FROM mysql.global_priv ORDER BY User, Host";

const DATABASES = `
  SELECT JSON_OBJECT('entry', 'database', 'name', SCHEMA_NAME, 'charset', DEFAULT_CHARACTER_SET_NAME, 'collation', DEFAULT_COLLATION_NAME)
    FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ${VIRTUAL} ORDER BY SCHEMA_NAME`;

// Temporary tables belong to a session and are in no backup.
const TABLES = `
  SELECT JSON_OBJECT('entry', 'table', 'database', TABLE_SCHEMA, 'name', TABLE_NAME, 'kind', TABLE_TYPE, 'engine', ENGINE,
                     'bytes', COALESCE(DATA_LENGTH, 0) + COALESCE(INDEX_LENGTH, 0))
    FROM information_schema.TABLES
   WHERE TABLE_SCHEMA NOT IN ${VIRTUAL} AND TABLE_TYPE NOT LIKE '%TEMPORARY%' ORDER BY TABLE_SCHEMA, TABLE_NAME`;

const ROUTINES =
  "SELECT JSON_OBJECT('entry', 'routine', 'database', db, 'name', name, 'kind', type) FROM mysql.proc ORDER BY db, name, type";

const EVENTS =
  "SELECT JSON_OBJECT('entry', 'event', 'database', db, 'name', name, 'status', status) FROM mysql.event ORDER BY db, name";
