/** The running server that an export goes into: how it is reached, and what is there already. */
import { z } from 'zod';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { Exported } from '../../../../model/export.ts';
import type { ExportRequest, ExportTarget } from '../../types.ts';
import { sslModeOf, type Connection } from '../connection.ts';
import { APPLICATION } from '../application.ts';
import { withReach } from '../reach.ts';
import { stateBehind, withSession, type Session } from '../session.ts';
import { quoted } from './select.ts';

const intoSettings = z.strictObject({
  host: z.string().min(1).optional(),
  port: z.coerce.number().int().min(1).max(65_535).optional(),
  user: z.string().min(1),
  database: z.string().min(1).optional(),
  sslmode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).optional(),
  sslrootcert: z.string().min(1).optional(),
});

/**
 * What is not said of the server is as the source has it; the database has the name that it had. The source's own server
 * in a container is reached through it, as for backups; with a host, the one that is said is reached from here.
 * @throws BackupError `usage` with what is wrong.
 */
export async function withTarget<Result>(
  { into, config, database, backup, work }: ExportRequest<PostgresSource>,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const said = settingsOf(into);
  const own = said.host === undefined ? config?.connection : undefined;
  const { host = own?.host ?? '/run/postgresql', port = own?.port ?? 5432, user } = said;
  const sslmode = said.sslmode ?? own?.sslmode;
  const sslrootcert = said.sslrootcert ?? own?.sslrootcert;
  const { password } = into;
  const target = { host, port, user, database: said.database ?? database, sslrootcert };
  if (!config || own?.container === undefined)
    return use({ ...target, password, sslmode: sslModeOf({ ...target, sslmode }) });
  // Only programs inside are marked as the source's, and none runs there.
  const around = {
    config: { ...config, connection: { ...own, port } },
    source: backup.manifest.source,
    state: '',
    work,
  };
  return withReach(around, ({ connection, reached }) =>
    use({ ...target, password, host: connection.host, sslmode: 'disable', reached }),
  );
}

function settingsOf({ settings }: ExportTarget): z.infer<typeof intoSettings> {
  const parsed = intoSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  const found = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new BackupError('usage', `--into does not say how to reach a PostgreSQL server: ${found.join('; ')}`, {
    remedy:
      'Write it as in "host=/run/postgresql port=5432 user=postgres database=shop", with sslmode and sslrootcert over a network.',
  });
}

export interface Found {
  /** 150018 is 15.18. */
  readonly version: number;
  readonly exists: boolean;
  /** Of the database; null where it is not there. */
  readonly oid: number | null;
  /** Relations, functions and types of users in it. */
  readonly objects: number;
  /** Others that are connected to it. */
  readonly sessions: number;
}

/** SQLSTATE of a connection to a database that is not there. */
export const NO_DATABASE = '3D000';

/** Whether the database is there, and what is in it. */
export async function look(connection: Connection, signal: AbortSignal): Promise<Found> {
  const options = { application: APPLICATION, signal };
  try {
    return await withSession(connection, options, async (session) => {
      const [row] = await session.rows(inside, OBJECTS);
      return { version: session.version, exists: true, ...(row ?? { oid: null, objects: 0, sessions: 0 }) };
    });
  } catch (error) {
    if (stateBehind(error) !== NO_DATABASE) throw error;
  }
  return withSession(maintenance(connection), options, async ({ version }) => ({
    version,
    exists: false,
    oid: null,
    objects: 0,
    sessions: 0,
  }));
}

const inside = z.object({ oid: z.coerce.number(), objects: z.coerce.number(), sessions: z.coerce.number() });

const OBJECTS = `
  SELECT count(*) AS objects, (SELECT oid FROM pg_database WHERE datname = current_database()) AS oid,
         (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()) AS sessions
    FROM (
    SELECT 'pg_class'::regclass AS catalog, oid, relnamespace AS namespace FROM pg_class WHERE relpersistence <> 't'
    UNION ALL SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type) o
    JOIN pg_namespace n ON n.oid = o.namespace
   WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.catalog AND d.objid = o.oid AND d.deptype = 'e')`;

/** The database that is always there, to make others from. */
export function maintenance(connection: Connection): Connection {
  return { ...connection, database: 'postgres' };
}

/** What is there under the name of a table. */
export interface Place {
  readonly schemaExists: boolean;
  /** Null where it is not there. */
  readonly oid: number | null;
  readonly empty: boolean;
}

const place = z.object({ schemaExists: z.boolean(), oid: z.coerce.number().nullable() });

export async function lookAtTable(
  session: Session,
  table: { readonly schema: string; readonly name: string },
): Promise<Place> {
  const { schema, name } = table;
  const [found] = await session.rows(
    place,
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS "schemaExists",
            (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $1 AND c.relname = $2) AS oid`,
    [schema, name],
  );
  if (!found || found.oid === null) return { schemaExists: found?.schemaExists ?? false, oid: null, empty: true };
  // Rows that the role may not see are rows: with row security on, a full table would look empty.
  await session.run('SET row_security = off');
  const [row] = await session.rows(
    z.object({ full: z.boolean() }),
    `SELECT EXISTS (SELECT FROM ${quoted(schema)}.${quoted(name)}) AS full`,
  );
  return { ...found, empty: row?.full === false };
}

/** Makes a database as the exported one was made. @param application how the session is called. */
export async function createDatabase(
  connection: Connection,
  made: Exported['made'],
  signal: AbortSignal,
  application = APPLICATION,
): Promise<void> {
  await withSession(maintenance(connection), { application, signal }, (session) =>
    session.run(
      `CREATE DATABASE ${quoted(connection.database)} TEMPLATE template0${madeLike(made ?? {}, session.version)}`,
    ),
  );
}

function madeLike(
  { encoding, collate, ctype, provider, locale }: NonNullable<Exported['made']>,
  version: number,
): string {
  const libc = [
    ...(encoding ? [`ENCODING ${text(encoding)}`] : []),
    ...(collate ? [`LC_COLLATE ${text(collate)}`] : []),
    ...(ctype ? [`LC_CTYPE ${text(ctype)}`] : []),
  ];
  if (version < 150000) return ` ${libc.join(' ')}`;
  if (provider === 'i' && locale) return ` ${libc.join(' ')} LOCALE_PROVIDER icu ICU_LOCALE ${text(locale)}`;
  if (provider === 'b' && locale && version >= 170000)
    return ` ${libc.join(' ')} LOCALE_PROVIDER builtin BUILTIN_LOCALE ${text(locale)}`;
  return ` ${libc.join(' ')} LOCALE_PROVIDER libc`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/**
 * Gives the name of one database to another, and the first one another: both, or neither. Refused while anybody is in
 * them; our own client may still be ending, for which the server waits five seconds each time it is asked.
 */
export async function swapNames(
  connection: Connection,
  names: { readonly from: string; readonly aside: string },
  { application, signal }: { readonly application: string; readonly signal: AbortSignal },
  patience = 5,
): Promise<void> {
  const { database } = connection;
  try {
    await withSession(maintenance(connection), { application, signal }, (session) =>
      session.run(
        `BEGIN; ALTER DATABASE ${quoted(database)} RENAME TO ${quoted(names.aside)};
         ALTER DATABASE ${quoted(names.from)} RENAME TO ${quoted(database)}; COMMIT`,
      ),
    );
  } catch (error) {
    if (stateBehind(error) !== IN_USE || patience === 0) throw error;
    await swapNames(connection, names, { application, signal }, patience - 1);
  }
}

const IN_USE = '55006';

/** Removes what `createDatabase` made. Our own client may still be ending in it: the server ends it then. */
export async function dropDatabase(
  connection: Connection,
  signal: AbortSignal,
  application = APPLICATION,
): Promise<void> {
  await withSession(maintenance(connection), { application, signal }, (session) =>
    session.run(`DROP DATABASE IF EXISTS ${quoted(connection.database)} WITH (FORCE)`),
  );
}
