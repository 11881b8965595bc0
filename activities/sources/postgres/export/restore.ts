/** One database or table of a backup into a running server: what that would do, and doing it. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportArtifact, ExportEntry } from '../../../../model/export.ts';
import { ofInto } from '../../into-refusal.ts';
import type { ExportPlan, ExportRequest } from '../../types.ts';
import { requireBinaries } from '../binaries.ts';
import type { Connection } from '../connection.ts';
import { majorOf } from '../facts.ts';
import { APPLICATION } from '../application.ts';
import { restoredMajor } from '../engine.ts';
import { withSession } from '../session.ts';
import { loadArchive, type Loading } from './load.ts';
import { exportOf, listOf } from '../../stored-exports.ts';
import { nameOf, selectTables, sqlName, quoted, type Selection } from './select.ts';
import { requireWriter, ROLE } from './writer.ts';
import { createDatabase, dropDatabase, look, lookAtTable, swapNames, withTarget, type Found } from './target.ts';

type Request = ExportRequest<PostgresSource>;

/**
 * Looks at both sides, and says what would be done. Nothing is changed before `carryOut`, which is of use only as long as
 * the plan is used: the way to a server in a container is open until then.
 * @throws BackupError `not-found` for what the backup lacks, `not-empty` where something is in the way, `unreachable`,
 *   `access-denied`, `missing-program`.
 */
export function withExportPlan<Result>(request: Request, use: (plan: ExportPlan) => Promise<Result>): Promise<Result> {
  const artifact = exportOf(request.backup.manifest, request.database);
  return withTarget(request, async (connection) => use(await planExport(request, { artifact, connection })));
}

async function planExport(
  request: Request,
  { artifact, connection }: { readonly artifact: ExportArtifact; readonly connection: Connection },
): Promise<ExportPlan> {
  const { backup, database, tables, into, config, work } = request;
  const major = dumpedBy(backup.manifest.tools['pg_dump']) ?? restoredMajor(backup.manifest);
  const binaries = await requireBinaries(major, { program: 'pg_restore', hint: config?.binaries, newer: true });
  const entries = await listOf(backup, database);
  const found = await look(connection, work.signal).catch((error: unknown) => {
    throw ofInto(error, into, ROLE);
  });
  await requireWriter(connection, found, work.signal);
  const loading = { backup, artifact: artifact.name, binaries, connection, owners: request.owners, work };
  const older = olderServer(found, major);
  return tables.length === 0
    ? planDatabase(request, { artifact, entries, found, loading, older })
    : planTables(request, { artifact, entries, found, loading, older });
}

interface Planning {
  readonly artifact: ExportArtifact;
  readonly entries: readonly ExportEntry[];
  readonly found: Found;
  readonly loading: Loading;
  readonly older: readonly string[];
}

function planDatabase({ replace }: Request, { artifact, entries, found, loading, older }: Planning): ExportPlan {
  const name = loading.connection.database;
  const inUse = found.objects > 0;
  if (inUse && !replace) throw inTheWay(`database "${name}" has ${found.objects} objects in it`);
  if (inUse && found.sessions > 0) throw inSession(name, found.sessions);
  const tables = entries.filter((entry) => entry.entry === 'table').map(nameOf);
  const aside = asideName(name);
  const all = `restore ${tables.length} tables, and all that belongs to them, in one transaction`;
  return {
    artifact,
    tables,
    left: ['owner, grants and settings of the database itself', 'tablespaces'],
    steps: [
      ...older,
      ...(found.exists ? [] : [making(name, artifact)]),
      ...(inUse
        ? [
            `make a new database as it was made (${madeText(artifact)})`,
            `${all}, into it`,
            `call the old one "${aside}", and the new one "${name}"`,
          ]
        : [`${all}, into "${name}"`]),
    ],
    note: {},
    done: false,
    carryOut: () =>
      inUse
        ? replaceDatabase(loading, artifact, aside)
        : withDatabase(found, loading, artifact, () => loadArchive(loading)),
  };
}

/** The new one is whole before the old one gives up its name; and that is kept until somebody drops it. */
async function replaceDatabase(loading: Loading, artifact: ExportArtifact, aside: string): Promise<void> {
  const { connection, work } = loading;
  const made = { ...connection, database: asideName(connection.database, 'restore') };
  await withDatabase({ exists: false }, { ...loading, connection: made }, artifact, async () => {
    await loadArchive({ ...loading, connection: made });
    await swapNames(connection, { from: made.database, aside }, work.signal);
  });
}

/** Names have at most 63 bytes; what is cut in the middle of a character is left out. */
function asideName(database: string, word = 'before'): string {
  const time = new Date().toISOString().replaceAll(/[-:]|\..*/g, '');
  const short = Buffer.from(database)
    .subarray(0, 36)
    .toString('utf8')
    .replace(/\uFFFD$/, '');
  return `${short}_${word}_${time}`;
}

function inSession(database: string, sessions: number): BackupError {
  return new BackupError(
    'busy',
    `${sessions} sessions are in database "${database}", so it cannot be replaced. Nothing was changed.`,
    {
      remedy: `Stop what uses it, or end them: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.replaceAll("'", "''")}';`,
    },
  );
}

async function planTables(request: Request, planning: Planning): Promise<ExportPlan> {
  const { database, tables, replace, work } = request;
  const { artifact, entries, found, loading, older } = planning;
  const { connection } = loading;
  const selection = selectTables(entries, database, tables);
  const steps: string[] = [];
  const before = ['SET row_security = off'];
  if (found.exists) {
    const options = { application: APPLICATION, signal: work.signal };
    await withSession(connection, options, async (session) => {
      for (const table of selection.all) {
        const { schemaExists, exists, empty } = await lookAtTable(session, table);
        const name = nameOf(table);
        if (!schemaExists) before.push(`CREATE SCHEMA IF NOT EXISTS ${quoted(table.schema)}`);
        if (!exists) continue;
        if (!empty && !replace) throw inTheWay(`table ${name} in "${connection.database}" has rows`);
        // A partition goes with the table that it is a part of.
        if (!selection.tables.includes(table)) continue;
        steps.push(`drop table ${name}, which ${empty ? 'is empty' : 'has rows'}`);
        before.push(...dropping(sqlName(table), empty && !replace));
      }
    });
  } else before.push(...new Set(selection.all.map(({ schema }) => `CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`)));
  return {
    artifact,
    tables: selection.all.map(nameOf),
    left: selection.left,
    steps: [
      ...older,
      ...(found.exists ? [] : [making(connection.database, artifact)]),
      ...steps,
      ...selection.all.map((table) => `restore table ${nameOf(table)}: ${COMES_ALONG}`),
    ],
    note: {},
    done: false,
    carryOut: () =>
      withDatabase(found, loading, artifact, () => loadArchive({ ...loading, before, list: nonEmpty(selection) })),
  };
}

const COMES_ALONG = 'columns, rows, defaults and their sequences, keys and checks, indexes, row security';

/** Rows that came after it was looked at are in the way as well. */
function dropping(table: string, onlyEmpty: boolean): readonly string[] {
  const check = `DO $mosaic$ BEGIN IF EXISTS (SELECT FROM ${table}) THEN RAISE EXCEPTION 'table has rows, and already exists'; END IF; END $mosaic$`;
  return [`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`, ...(onlyEmpty ? [check] : []), `DROP TABLE ${table}`];
}

/** An empty list would be taken for all of it. */
function nonEmpty({ list, tables }: Selection): string {
  if (list !== '') return list;
  throw new BackupError('verification-failed', `The archive lists nothing of ${tables.map(nameOf).join(', ')}.`);
}

/** Makes the database where it is not there, and takes it away again when nothing came into it. */
async function withDatabase(
  { exists }: Pick<Found, 'exists'>,
  { connection, work }: Loading,
  { export: { made } }: ExportArtifact,
  load: () => Promise<void>,
): Promise<void> {
  if (!exists) await createDatabase(connection, made, work.signal);
  try {
    await load();
  } catch (error) {
    // Also when it was cancelled; another attempt takes an empty one as it is.
    if (!exists) await removed(connection, work.log);
    throw error;
  }
}

async function removed(connection: Connection, log: Loading['work']['log']): Promise<void> {
  try {
    await dropDatabase(connection, new AbortController().signal);
  } catch (error) {
    // Why the restore failed matters more; what is left is empty.
    log.warn(
      { database: connection.database, error: String(error) },
      'the empty database that was made is still there',
    );
  }
}

function inTheWay(what: string): BackupError {
  return new BackupError('not-empty', `The ${what}. Nothing was changed.`, {
    remedy: 'Restore into another database (--into "… database=NEW"), or add --replace.',
  });
}

function olderServer({ version }: Found, dumped: number): readonly string[] {
  if (majorOf(version) >= dumped) return [];
  return [
    `note: the server is PostgreSQL ${majorOf(version)}, the export is for ${dumped} and newer; what it does not know it refuses`,
  ];
}

function dumpedBy(version: string | undefined): number | undefined {
  const major = Number.parseInt(version ?? '', 10);
  return Number.isNaN(major) ? undefined : major;
}

function making(database: string, artifact: ExportArtifact): string {
  return `make database "${database}" as it was made: ${madeText(artifact)}`;
}

function madeText({ export: { made } }: ExportArtifact): string {
  return [made?.['encoding'], made?.['collate']].filter(Boolean).join(', ');
}
