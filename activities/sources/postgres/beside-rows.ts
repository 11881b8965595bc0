/**
 * What a restored cluster holds beside the rows of its tables, for later proofs to compare with: definitions as pg_dump writes them, values of
 * sequences, large objects, roles. Nothing of it has a digest of the source.
 */
import { createHash } from 'node:crypto';
import { Socket } from 'node:net';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import { linesOf } from '../../streams/lines.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import type { FoundContents } from '../earlier-contents.ts';
import { hasProgram, programOf, type Binaries } from './binaries.ts';
import { libpqEnvironment, type Connection } from './connection.ts';
import { digest, digestQuery } from './digests.ts';
import { LOCK_WAIT } from './dumped.ts';
import { identifier } from './findings.ts';
import { withSession, type Session } from './session.ts';

const APPLICATION = 'mosaic-backup check';

/** Of the whole cluster: accounts with their passwords, who is a member of what, and settings of roles and databases. */
const ROLES = ['pg_authid', 'pg_auth_members', 'pg_db_role_setting'] as const;
const LARGE_OBJECTS = ['pg_largeobject', 'pg_largeobject_metadata'] as const;

/** Other in each run of pg_dump, or with its version alone. */
const OF_THE_RUN = /^(?:\\(?:un)?restrict |-- Dumped (?:from|by) )/;

export interface BesideRows extends Pick<FoundContents, 'parts'> {
  readonly by: ReadonlyMap<string, string>;
}

/** @param connection as superuser of the restored server. A part that cannot be read is null: what looks at every row tells why. */
export async function besideRows(
  connection: Connection,
  databases: readonly string[],
  binaries: Binaries,
  work: Work,
): Promise<BesideRows> {
  const parts = new Map<string, string | null>();
  const by = new Map<string, string>();
  const inside = <Result>(database: string, use: (session: Session) => Promise<Result>): Promise<Result | null> =>
    orNull(withSession(connection, { application: APPLICATION, database, signal: work.signal }, use));
  for (const database of databases) {
    const name = identifier(database);
    parts.set(`values of sequences of ${name}`, await inside(database, sequences));
    parts.set(`large objects of ${name}`, await inside(database, (session) => catalogues(session, LARGE_OBJECTS)));
    const definitions = `definitions of ${name}`;
    parts.set(definitions, await orNull(schema({ ...connection, database }, binaries, work)));
    by.set(definitions, `pg_dump ${binaries.version}`);
  }
  parts.set('roles', await inside(connection.database, (session) => catalogues(session, ROLES)));
  return { parts, by };
}

async function orNull<Result>(reading: Promise<Result>): Promise<Result | null> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof BackupError) || ['aborted', 'standstill', 'unreachable'].includes(error.code)) throw error;
    return null;
  }
}

async function sequences(session: Session): Promise<string> {
  const hash = createHash('sha256');
  for (const name of await session.rows(z.object({ schema: z.string(), name: z.string() }), SEQUENCES)) {
    const [value] = await session.rows(
      z.object({ last: z.string(), called: z.boolean() }),
      `SELECT last_value::text AS last, is_called AS called FROM ${quoted(name.schema)}.${quoted(name.name)}`,
    );
    hash.update(`${JSON.stringify([name, value])}\n`);
  }
  return hash.digest('hex');
}

/** Those of unlogged tables begin anew with them. */
const SEQUENCES = `
  SELECT n.nspname::text AS schema, c.relname::text AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'S' AND c.relpersistence = 'p'
   ORDER BY n.nspname::text COLLATE "C", c.relname::text COLLATE "C"`;

async function catalogues(session: Session, names: readonly string[]): Promise<string> {
  const found: unknown[] = [];
  for (const name of names) found.push(await session.rows(digest, digestQuery('pg_catalog', name)));
  return createHash('sha256').update(JSON.stringify(found)).digest('hex');
}

/** Everything that can be defined, with who owns it and who may use it. */
async function schema(connection: Connection, binaries: Binaries, work: Work): Promise<string | null> {
  if (!(await hasProgram(binaries, 'pg_dump'))) return null;
  const hash = createHash('sha256');
  const program = programOf(binaries, 'pg_dump', {
    args: ['--schema-only', '--create', `--lock-wait-timeout=${LOCK_WAIT}`, '--no-password'],
    env: libpqEnvironment(connection, APPLICATION),
    cwd: '/',
    as: 'server',
  });
  await runPipeline({
    programs: [program],
    drain: async (fd) => {
      for await (const line of linesOf(new Socket({ fd, readable: true, writable: false })))
        if (!OF_THE_RUN.test(line)) hash.update(`${line}\n`);
    },
    bytes: () => 0,
    phase: 'reading definitions',
    total: null,
    work,
  });
  return hash.digest('hex');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
