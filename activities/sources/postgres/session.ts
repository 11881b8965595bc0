/** Sessions on a server: connected, with fixed settings, closed whatever happens, and every answer parsed. */
import { Client } from 'pg';
import { z } from 'zod';
import { stopIfCancelled } from '../../streams/cancelled.ts';
import { clientConfig, type Connection } from './connection.ts';
import { serverError, sqlState } from './errors.ts';

export interface Session {
  readonly connection: Connection;
  /** 150018 is 15.18. */
  readonly version: number;
  /** Runs a query and parses its rows. Fails with a BackupError, whose `cause` is the server's own error. */
  rows<Row>(schema: z.ZodType<Row>, text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Runs statements whose rows nobody wants. */
  run(text: string): Promise<void>;
  /**
   * Runs statements that somebody else wrote, with names looked up as for any program of his, and prints their rows as
   * `psql -XAtq -F TAB` does: a line each, fields parted by tabs, nothing for NULL.
   */
  printed(text: string): Promise<string>;
  /** Idempotent. A query that still runs is ended with the connection. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Shown in pg_stat_activity. */
  readonly application: string;
  readonly database?: string;
  readonly signal: AbortSignal;
}

/**
 * What no setting of the role or the database may change: how values look as text, who is meant by an unqualified
 * name, and that nobody ends a session that waits on purpose. Unknown ones of older servers are left out.
 */
const FIXED: readonly (readonly [since: number, statement: string])[] = [
  [0, "SET search_path = ''"],
  [0, "SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET lc_monetary = 'C'"],
  [
    0,
    "SET bytea_output = 'hex'; SET extra_float_digits = 1; SET xmloption = 'content'; SET quote_all_identifiers = off",
  ],
  [0, 'SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0'],
  // A server whose worker's machine died notices within a minute and releases what the session holds.
  [0, 'SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3'],
  [140000, "SET idle_session_timeout = 0; SET client_connection_check_interval = '5s'"],
  [170000, 'SET transaction_timeout = 0'],
];

/** Values as the server writes them. */
const AS_TEXT = { getTypeParser: () => (value: string | Buffer) => String(value) };

const printable = z.object({ rows: z.array(z.array(z.string().nullable())).default([]) });

/** Opens a session for queries. The caller closes it. */
export async function openSession(connection: Connection, options: SessionOptions): Promise<Session> {
  const to = { ...connection, database: options.database ?? connection.database };
  stopIfCancelled(options.signal);
  const client = await connect(to, options.application, {}).catch((error: unknown) => {
    // A private server that ends with what was cancelled says that it is shutting down.
    stopIfCancelled(options.signal);
    throw error;
  });
  const close = closer(client, options.signal);
  async function told<Answer>(asking: Promise<Answer>): Promise<Answer> {
    try {
      return await asking;
    } catch (error) {
      stopIfCancelled(options.signal);
      throw serverError(error, to);
    }
  }
  async function query(text: string, values?: readonly unknown[]): Promise<readonly unknown[]> {
    const asking: Promise<{ readonly rows?: readonly unknown[] }> = client.query(
      text,
      values ? [...values] : undefined,
    );
    return (await told(asking)).rows ?? [];
  }
  async function printed(text: string): Promise<string> {
    await query('RESET search_path');
    // Several statements have several results, which pg's types do not tell.
    const answer: unknown = await told(client.query({ text, rowMode: 'array', types: AS_TEXT }));
    const results = z.array(printable).parse(Array.isArray(answer) ? answer : [answer]);
    return results.flatMap(({ rows }) => rows.map((row) => row.map((field) => field ?? '').join('\t'))).join('\n');
  }
  try {
    const [found] = z
      .tuple([z.object({ version: z.coerce.number() })])
      .parse(await query("SELECT current_setting('server_version_num') AS version"));
    for (const [since, statement] of FIXED) if (found.version >= since) await query(statement);
    return {
      connection: to,
      version: found.version,
      rows: async (schema, text, values) => z.array(schema).parse(await query(text, values)),
      run: async (text) => void (await query(text)),
      printed,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens a session, hands it over, and closes it whatever happens. */
export async function withSession<Result>(
  connection: Connection,
  options: SessionOptions,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const session = await openSession(connection, options);
  try {
    return await use(session);
  } finally {
    await session.close();
  }
}

/** Opens and closes a physical replication connection, as pg_basebackup will. Fails as that would. */
export async function probeReplication(connection: Connection, application: string): Promise<void> {
  const client = await connect(connection, application, { replication: 'true' });
  await client.end();
}

/** The server's own error behind one of ours: its SQLSTATE. */
export function stateBehind(error: unknown): string | undefined {
  return error instanceof Error ? sqlState(error.cause) : undefined;
}

async function connect(
  connection: Connection,
  application: string,
  extra: { readonly replication?: string },
): Promise<Client> {
  try {
    return await tryConnect(connection, application, extra, true);
  } catch (error) {
    // As libpq does under "prefer": no TLS there, or a pg_hba.conf that admits without it only.
    const plainMayDo = connection.sslmode === 'prefer' && !['28P01', '3D000'].includes(sqlState(error) ?? '');
    if (!plainMayDo) throw serverError(error, connection);
    try {
      return await tryConnect(connection, application, extra, false);
    } catch (second) {
      throw serverError(second, connection);
    }
  }
}

async function tryConnect(
  connection: Connection,
  application: string,
  extra: { readonly replication?: string },
  encrypted: boolean,
): Promise<Client> {
  // `replication` is a parameter that pg passes on, but its types do not know.
  const client = new Client({ ...(await clientConfig(connection, { application, encrypted })), ...extra });
  // An error that nobody listens to would end the worker.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => undefined /* it never was open */);
    throw error;
  }
}

/** Closes a client once, at the latest when the work is cancelled. */
function closer(client: Client, signal: AbortSignal): () => Promise<void> {
  let closing: Promise<void> | undefined;
  const abort = () => void close();
  function close(): Promise<void> {
    signal.removeEventListener('abort', abort);
    // A connection that is broken already cannot be ended more.
    closing ??= client.end().catch(() => undefined);
    return closing;
  }
  signal.addEventListener('abort', abort, { once: true });
  return close;
}
