/** What a cluster holds, read from the catalogues of every database. No user table is read for it. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import type { Connection } from './connection.ts';
import type { Facts } from './facts.ts';
import { APPLICATION, readable } from './preflight.ts';
import { stateBehind, withSession, type Session } from './session.ts';

/** How long a relation's size waits for whoever has locked it. */
const LOCK_WAIT = '3s';
const LOCK_NOT_AVAILABLE = '55P03';

/** Values that may hold a password, and are not needed to start a server. */
const HIDDEN_SETTINGS = ['primary_conninfo'];

/** Everything that the role can list. */
export async function takeInventory(
  connection: Connection,
  facts: Facts,
  signal: AbortSignal,
): Promise<readonly PostgresEntry[]> {
  const entries: PostgresEntry[] = facts.databases.map(({ name, bytes, encoding, collate }) => ({
    entry: 'database',
    name,
    bytes: bytes ?? 0,
    encoding,
    collation: collate,
  }));
  const options = { application: APPLICATION, signal };
  entries.push(...(await withSession(connection, options, clusterWide)));
  for (const { name } of readable(facts)) {
    const inside = { ...options, database: name };
    entries.push(...(await withSession(connection, inside, (session) => ofDatabase(session, name))));
  }
  return entries;
}

/**
 * The inventory of a backup, from one taken before and one taken after it: what is in both must be in a restore;
 * what came or went meanwhile may or may not, and is marked `settled: false`.
 */
export function reconcile(before: readonly PostgresEntry[], after: readonly PostgresEntry[]): readonly PostgresEntry[] {
  const earlier = new Set(before.map(identityOf));
  return after.map((entry) => (earlier.has(identityOf(entry)) ? entry : { ...entry, settled: false }));
}

/** What makes an entry the same one: never its size, which changes all the time. */
const IDENTITY = {
  setting: ['name', 'value'],
  role: ['name', 'superuser', 'login'],
  database: ['name', 'encoding', 'collation'],
  extension: ['database', 'name', 'version'],
  relation: ['database', 'schema', 'name', 'kind', 'logged'],
  rows: ['database', 'schema', 'name'],
  snapshot: ['database', 'snapshot'],
  moment: ['restorePoint'],
} as const satisfies Record<PostgresEntry['entry'], readonly string[]>;

/** A text that is the same for the same database, relation, extension, role or setting in two inventories. */
export function identityOf(entry: PostgresEntry): string {
  return JSON.stringify([entry.entry, ...IDENTITY[entry.entry].map((field) => entry[field])]);
}

async function clusterWide(session: Session): Promise<readonly PostgresEntry[]> {
  const settings = await session.rows(
    z.object({ entry: z.literal('setting'), name: z.string(), value: z.string() }),
    `SELECT 'setting' AS entry, name, setting AS value FROM pg_settings
      WHERE source IN ('configuration file', 'command line', 'override') AND name <> ALL ($1) ORDER BY name`,
    [HIDDEN_SETTINGS],
  );
  const roles = await session.rows(
    z.object({ entry: z.literal('role'), name: z.string(), superuser: z.boolean(), login: z.boolean() }),
    `SELECT 'role' AS entry, rolname::text AS name, rolsuper AS superuser, rolcanlogin AS login
       FROM pg_roles WHERE oid = 10 OR oid >= 16384 ORDER BY oid`,
  );
  return [...settings, ...roles];
}

async function ofDatabase(session: Session, database: string): Promise<readonly PostgresEntry[]> {
  const extensions = await session.rows(
    z.object({ name: z.string(), version: z.string() }),
    'SELECT extname::text AS name, extversion AS version FROM pg_extension ORDER BY extname',
  );
  const relations = await relationsOf(session);
  return [
    ...extensions.map(({ name, version }) => ({ entry: 'extension' as const, database, name, version })),
    ...relations.map(({ schema, name, kind, bytes, logged }) => {
      return { entry: 'relation' as const, database, schema, name, kind, bytes, logged };
    }),
  ];
}

const relation = z.object({
  schema: z.string(),
  name: z.string(),
  kind: z.string(),
  bytes: z.coerce.number(),
  logged: z.boolean(),
});

async function relationsOf(session: Session): Promise<readonly z.infer<typeof relation>[]> {
  try {
    await session.run(`SET lock_timeout = '${LOCK_WAIT}'`);
    return await session.rows(relation, relationsQuery('pg_relation_size(c.oid)'));
  } catch (error) {
    if (!(error instanceof BackupError) || stateBehind(error) !== LOCK_NOT_AVAILABLE) throw error;
    // Somebody holds a table exclusively: the size that the last VACUUM noted will do.
    const noted = "c.relpages::bigint * current_setting('block_size')::bigint";
    return session.rows(relation, relationsQuery(noted));
  }
}

// Relations dropped while it runs have a size of null.
function relationsQuery(bytes: string): string {
  return `
    SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
           coalesce(CASE WHEN c.relkind IN ('r', 'i', 'm', 'S') THEN ${bytes} END, 0) AS bytes,
           c.relpersistence <> 'u' AS logged
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relpersistence <> 't' AND c.relkind <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY 1, 2`;
}
