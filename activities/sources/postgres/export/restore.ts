/** One database or table of a backup into a running server: what that would do, and doing it. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportArtifact, ExportedTable } from '../../../../model/export.ts';
import { settled } from '../../earlier.ts';
import { ofInto } from '../../into-refusal.ts';
import type { ExportPlan, ExportRequest } from '../../types.ts';
import { requireBinaries } from '../binaries.ts';
import type { Connection } from '../connection.ts';
import { majorOf } from '../facts.ts';
import { APPLICATION } from '../application.ts';
import { restoredMajor } from '../engine.ts';
import { withSession } from '../session.ts';
import { carriedOut, newApplication, noteOf, requireEnded, type Note, type NoteOf } from './earlier.ts';
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
  const earlier = noteOf(request, connection);
  if (earlier) await requireEnded(connection, earlier.application, work.signal);
  const found = await look(connection, work.signal).catch((error: unknown) => {
    throw ofInto(error, into, ROLE);
  });
  const listed = entries.filter((entry) => entry.entry === 'table');
  const selection = tables.length === 0 ? undefined : selectTables(entries, database, tables);
  const all = selection?.all ?? listed;
  if (earlier && (await carriedOut(earlier, { connection, found, tables: all, signal: work.signal })))
    return {
      ...saying(artifact, all, selection),
      steps: [],
      note: earlier,
      done: true,
      carryOut: async () => undefined,
    };
  await requireWriter(connection, found, work.signal);
  const application = earlier?.application ?? newApplication();
  const loading = { backup, artifact: artifact.name, binaries, connection, application, owners: request.owners, work };
  const planning = { artifact, listed, found, loading, older: olderServer(found, major), earlier };
  const plan = await (selection ? planTables(request, planning, selection) : planDatabase(request, planning));
  const isCarriedOut = async (): Promise<boolean> => {
    await requireEnded(connection, application, work.signal);
    const now = await look(connection, work.signal);
    return carriedOut(plan.note, { connection, found: now, tables: all, signal: work.signal });
  };
  return { ...plan, carryOut: () => settled({ carryOut: plan.carryOut, isCarriedOut, work }) };
}

/** With the note as it is understood here. */
type NotedPlan = ExportPlan & { readonly note: Note };

/** What is told of it, done or not. */
function saying(
  artifact: ExportArtifact,
  tables: readonly ExportedTable[],
  selection: Selection | undefined,
): Pick<ExportPlan, 'artifact' | 'tables' | 'left'> {
  const left = selection?.left ?? ['owner, grants and settings of the database itself', 'tablespaces'];
  return { artifact, tables: tables.map(nameOf), left };
}

/** Whose sessions can be told from those of any other restore. */
type Naming = Loading & { readonly application: string };

interface Planning {
  readonly artifact: ExportArtifact;
  /** All tables of the export. */
  readonly listed: readonly ExportedTable[];
  readonly found: Found;
  readonly loading: Naming;
  readonly older: readonly string[];
  /** Of an attempt that was cut off before it was carried out. */
  readonly earlier: Note | undefined;
}

function planDatabase({ replace }: Request, planning: Planning): NotedPlan {
  const { artifact, listed, found, loading, older, earlier } = planning;
  const name = loading.connection.database;
  const note = earlier ?? newNote(loading, found);
  const inUse = note.way === 'swap';
  if (inUse && !replace) throw inTheWay(`database "${name}" has ${found.objects} objects in it`);
  if (inUse && found.sessions > 0) throw inSession(name, found.sessions);
  const all = `restore ${listed.length} tables, and all that belongs to them, in one transaction`;
  return {
    ...saying(artifact, listed, undefined),
    steps: [
      ...older,
      ...(found.exists ? [] : [making(name, artifact)]),
      ...(inUse
        ? [
            ...(earlier ? [`drop "${note.made}", where an attempt that was cut off left it`] : []),
            `make a new database as it was made (${madeText(artifact)})`,
            `${all}, into it`,
            `call the old one "${note.aside}", and the new one "${name}"`,
          ]
        : [`${all}, into "${name}"`]),
    ],
    note,
    done: false,
    carryOut: () => (inUse ? replaceDatabase(planning, note) : withDatabase(planning, () => loadArchive(loading))),
  };
}

function newNote({ connection: { database }, application }: Naming, { exists, objects, oid }: Found): Note {
  const always = { database, application, existed: exists };
  if (objects === 0 || oid === null) return { way: 'load', ...always };
  return { way: 'swap', ...always, oid, aside: asideName(database), made: asideName(database, 'restore') };
}

/** The new one is whole before the old one gives up its name; and that is kept until somebody drops it. */
async function replaceDatabase({ loading, artifact, earlier }: Planning, names: NoteOf<'swap'>): Promise<void> {
  const { connection, application, work } = loading;
  const { signal } = work;
  const made = { ...connection, database: names.made };
  if (earlier) await dropDatabase(made, signal, application);
  await createDatabase(made, artifact.export.made, signal, application);
  try {
    await loadArchive({ ...loading, connection: made });
    await swapNames(connection, { from: made.database, aside: names.aside }, { application, signal });
  } catch (error) {
    // Also when it was cancelled.
    await removed({ ...loading, connection: made });
    throw error;
  }
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

async function planTables(request: Request, planning: Planning, selection: Selection): Promise<NotedPlan> {
  const { replace, work } = request;
  const { artifact, found, loading, older, earlier } = planning;
  const { connection, application } = loading;
  const steps: string[] = [];
  const before = ['SET row_security = off'];
  const oids = new Map<ExportedTable, number>();
  if (found.exists) {
    const options = { application: APPLICATION, signal: work.signal };
    await withSession(connection, options, async (session) => {
      for (const table of selection.all) {
        const { schemaExists, oid, empty } = await lookAtTable(session, table);
        const name = nameOf(table);
        if (!schemaExists) before.push(`CREATE SCHEMA IF NOT EXISTS ${quoted(table.schema)}`);
        if (oid === null) continue;
        oids.set(table, oid);
        if (!empty && !replace) throw inTheWay(`table ${name} in "${connection.database}" has rows`);
        // A partition goes with the table that it is a part of.
        if (!selection.tables.includes(table)) continue;
        steps.push(`drop table ${name}, which ${empty ? 'is empty' : 'has rows'}`);
        before.push(...dropping(sqlName(table), oid, empty && !replace));
      }
    });
  } else before.push(...new Set(selection.all.map(({ schema }) => `CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`)));
  const places = selection.all.map((table) => ({
    schema: table.schema,
    name: table.name,
    oid: oids.get(table) ?? null,
  }));
  const { database } = connection;
  return {
    ...saying(artifact, selection.all, selection),
    steps: [
      ...older,
      ...(found.exists ? [] : [making(database, artifact)]),
      ...steps,
      ...selection.all.map((table) => `restore table ${nameOf(table)}: ${COMES_ALONG}`),
    ],
    note: earlier ?? { way: 'tables', database, application, existed: found.exists, tables: places },
    done: false,
    carryOut: () => withDatabase(planning, () => loadArchive({ ...loading, before, list: nonEmpty(selection) })),
  };
}

const COMES_ALONG = 'columns, rows, defaults and their sequences, keys and checks, indexes, row security';

/** Rows that came after it was looked at are in the way as well, and so is a table that came in its place. */
function dropping(table: string, oid: number, onlyEmpty: boolean): readonly string[] {
  const other = `IF '${table.replaceAll("'", "''")}'::regclass::oid <> ${oid} THEN RAISE EXCEPTION 'a table is not the one that was looked at'; END IF;`;
  const rows = `IF EXISTS (SELECT FROM ${table}) THEN RAISE EXCEPTION 'table has rows, and already exists'; END IF;`;
  return [
    `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`,
    `DO $mosaic$ BEGIN ${other} ${onlyEmpty ? rows : ''} END $mosaic$`,
    `DROP TABLE ${table}`,
  ];
}

/** An empty list would be taken for all of it. */
function nonEmpty({ list, tables }: Selection): string {
  if (list !== '') return list;
  throw new BackupError('verification-failed', `The archive lists nothing of ${tables.map(nameOf).join(', ')}.`);
}

/** Makes the database where it is not there, and takes it away again when nothing came into it. */
async function withDatabase({ found, loading, artifact, earlier }: Planning, load: () => Promise<void>): Promise<void> {
  const { connection, application, work } = loading;
  if (!found.exists) await createDatabase(connection, artifact.export.made, work.signal, application);
  try {
    await load();
  } catch (error) {
    // Also when it was cancelled; another attempt takes an empty one as it is.
    if (!found.exists || earlier?.existed === false) await removed(loading, 'empty');
    throw error;
  }
}

/** @param only where others may have come into it. */
async function removed({ connection, application, work }: Naming, only?: 'empty'): Promise<void> {
  const { signal } = new AbortController();
  try {
    if (only === 'empty' && (await look(connection, signal)).objects > 0) return;
    await dropDatabase(connection, signal, application);
  } catch (error) {
    // Why the restore failed matters more; what is left nobody uses.
    work.log.warn({ database: connection.database, error: String(error) }, 'the database that was made is still there');
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
