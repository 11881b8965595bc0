/** The logical exports of a capture: one snapshot in every database right after the base backup, then each in turn. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import { EXPORT_LIST_ROLE, EXPORT_LIST_SCHEMA, EXPORT_ROLE, type ExportEntry } from '../../../../model/export.ts';
import type { Warning } from '../../../../model/manifest.ts';
import type { Captured, CaptureContext } from '../../types.ts';
import { requireBinaries, type Binaries } from '../binaries.ts';
import { exportConnection, type Connection } from '../connection.ts';
import { programComplaint } from '../errors.ts';
import { majorOf, type Facts } from '../facts.ts';
import { digestRows, listObjects, listTables } from './contents.ts';
import { dumpDatabase, dumpGlobals, type Dumping } from './dump.ts';
import { exportRemedy } from './remedies.ts';
import { keepContents, parseContents } from './keep-contents.ts';
import { holdSnapshots, isThere, remedied, type Held, type Holding, type Left } from './snapshots.ts';

type Context = CaptureContext<PostgresSource>;

/** What was done, for the manifest. */
type Taken = Pick<Captured, 'tools' | 'warnings'>;

/**
 * Exports every database, where this backup is to hold exports. What fails for one of them is a warning, and the
 * backup is partial: its files are good all the same.
 */
export async function takeExports(context: Context, facts: Facts): Promise<Taken> {
  const { config, tier, readSecret, work } = context;
  const connection = await exportConnection(config, readSecret);
  if (!connection) return { tools: {}, warnings: tier === 'daily' ? [] : [noRole(tier)] };
  if (!config.export?.tiers.includes(tier)) return { tools: {}, warnings: [] };
  try {
    const major = majorOf(facts.versionNumber);
    const binaries = await requireBinaries(major, { program: 'pg_dump', hint: config.binaries, newer: true });
    const holding = await holdSnapshots(connection, work.signal);
    try {
      return await writeAll(context, { binaries, connection }, holding);
    } finally {
      await holding.end();
    }
  } catch (error) {
    return { tools: {}, warnings: [failed('no database was exported', ofTheExport(error))] };
  }
}

function noRole(tier: string): Warning {
  const message = `This ${tier} backup holds no logical export: in some years no server may be left that starts on its files, and no single table of it goes back into a running server. Run infra/roles/postgres-export.sql on the server and add "export: {}" to the source ("export: { tiers: [] }" for none, on purpose).`;
  return { code: 'postgres.no-export', message, partial: false };
}

function failed(what: string, error: BackupError): Warning {
  return { code: 'postgres.export', message: `${what}: ${remedied(error)}`, partial: true };
}

/** Codes that another attempt at the whole capture mends, or nothing does: they fail it. */
const FATAL: ReadonlySet<string> = new Set(['unreachable', 'aborted', 'no-space', 'standstill', 'lease-lost']);

function ofTheExport(error: unknown): BackupError {
  if (error instanceof BackupError && !FATAL.has(error.code)) return error;
  throw error;
}

async function writeAll(context: Context, dumping: Dumping, { held, left }: Holding): Promise<Taken> {
  const { artifacts, source, work } = context;
  const warnings: Warning[] = left.map(asWarning);
  const lists: ExportEntry[] = [];
  const at = held.at(-1)?.at ?? new Date().toISOString();
  for (const what of ['roles', 'tablespaces'] as const) {
    await artifacts
      .stream(dumpGlobals(dumping, what), {
        role: EXPORT_ROLE,
        name: `export-${what}.sql`,
        minPlainBytes: 100,
        export: { scope: what, database: null, format: 'sql', at, position: null, made: null },
      })
      .catch((error: unknown) => {
        const why = ofTheExport(explained(error, dumping.connection));
        warnings.push(failed(`the ${what} of the server were not exported`, why));
      });
  }
  for (const [index, one] of held.entries()) {
    try {
      lists.push(...(await writeDatabase(context, dumping, one, index + 1)));
    } catch (error) {
      const cause = ofTheExport(explained(error, dumping.connection));
      warnings.push(await lost(one, cause, dumping.connection, work.signal));
    }
    // Its snapshot holds back the clean-up of the server no longer than it must.
    await one.session.close();
  }
  const header = { schema: EXPORT_LIST_SCHEMA, source, type: 'postgres' };
  const lines = [header, ...lists].map((line) => JSON.stringify(line));
  await artifacts.lines(lines, { role: EXPORT_LIST_ROLE, name: 'export-list', minPlainBytes: 1 });
  return { tools: { pg_dump: dumping.binaries.version }, warnings };
}

function asWarning({ database, why, lacking }: Left): Warning {
  return { code: 'postgres.export', message: `database "${database}" was not exported: ${why}`, partial: lacking };
}

async function lost({ database }: Held, cause: BackupError, connection: Connection, signal: AbortSignal) {
  if (await isThere(connection, database.name, signal))
    return failed(`database "${database.name}" was not exported`, cause);
  return asWarning({ database: database.name, why: 'it was dropped meanwhile', lacking: false });
}

/** An archive of an empty database has some 900 bytes. */
const LEAST_BYTES = 500;

/** @returns what it holds, as its own snapshot shows it. */
async function writeDatabase(
  context: Context,
  dumping: Dumping,
  { database, session, snapshot, at, lsn }: Held,
  number: number,
): Promise<readonly ExportEntry[]> {
  const { artifacts, config, work } = context;
  const { name } = database;
  const entries: ExportEntry[] = [];
  const tables = await listTables(session);
  for (const { keepsRows: _, ...table } of tables) entries.push({ entry: 'table', database: name, ...table });
  for (const object of await listObjects(session)) entries.push({ entry: 'object', database: name, ...object });
  if (config.export?.rows) {
    const report = () =>
      work.progress({ phase: `reading rows of ${name}`, bytes: 0, total: null, activity: entries.length });
    const beat = setInterval(report, 1_000);
    try {
      for await (const rows of digestRows(session, name, tables)) entries.push(rows);
    } finally {
      clearInterval(beat);
    }
  }
  const list = path.join(await context.spool(), `contents-${number}`);
  const stages = [dumpDatabase(dumping, name, snapshot), keepContents(pgRestore(dumping.binaries), list)];
  const { encoding, collate, ctype, provider, locale } = database;
  await artifacts.stream(stages, {
    role: EXPORT_ROLE,
    // The name of a database may be anything, and that of a file may not.
    name: `export-${number}.dump`,
    minPlainBytes: LEAST_BYTES,
    export: {
      scope: 'database',
      database: name,
      format: 'pg_dump-custom',
      at,
      position: lsn,
      made: { encoding, collate, ctype, provider, locale },
    },
  });
  for (const { id, catalog, oid, text } of parseContents(await readFile(list, 'utf8')))
    entries.push({ entry: 'content', database: name, id, catalog, oid, text });
  await rm(list);
  return entries;
}

function pgRestore({ folder }: Binaries): string {
  return path.join(folder, 'pg_restore');
}

/** What pg_dump says, where that tells more than its exit status. */
function explained(error: unknown, connection: Connection): unknown {
  if (!(error instanceof BackupError) || error.code !== 'program-failed') return error;
  const { program, stderr } = error.facts;
  if (typeof program !== 'string' || !/\/pg_dump(all)?$/.test(program) || typeof stderr !== 'string') return error;
  const remedy = exportRemedy(stderr, connection.user);
  if (remedy === undefined) return programComplaint(stderr, connection) ?? error;
  const said = /error: (.*)/.exec(stderr)?.[1] ?? error.message;
  return new BackupError('access-denied', said, { remedy, facts: error.facts, cause: error });
}
