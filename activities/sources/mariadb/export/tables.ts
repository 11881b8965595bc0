/** Single tables out of an export: by way of a private server, and of a database of their own on the running one. */
import { chmod } from 'node:fs/promises';
import { z } from 'zod';
import type { MariadbSource } from '../../../../model/config/source.ts';
import { BackupError } from '../../../../model/errors.ts';
import type { ExportArtifact } from '../../../../model/export.ts';
import { runPipeline } from '../../../streams/pipeline.ts';
import type { Work } from '../../../work.ts';
import type { ExportRequest } from '../../types.ts';
import type { Connection } from '../connection.ts';
import { clientError } from '../errors.ts';
import { clientProgram, identifier, literal, rows, run } from '../session.ts';
import { dumpTables } from './dump.ts';
import { asideOf } from './earlier.ts';
import { createStatement, loadExport, withEmptyServer } from './loaded.ts';
import { atWork, isTaken, lockStatement, takeLock } from './half.ts';
import { existing, type Target } from './target.ts';

export interface Moving {
  readonly request: ExportRequest<MariadbSource>;
  readonly artifact: ExportArtifact;
  readonly target: Target;
  readonly found: { readonly exists: number };
  /** Tables that are in the way, and keep their rows under another name. */
  readonly there: readonly string[];
  /** What is added to their names. */
  readonly aside: string;
}

export async function moveTables(moving: Moving): Promise<void> {
  const { request, artifact } = moving;
  const { backup, scratch, work } = request;
  // The server's user must pass; what is below stays closed to others.
  await chmod(scratch, 0o711);
  await withEmptyServer({ backup, scratch, work }, async (connection) => {
    // From here on every byte of it was right.
    await loadExport(backup, artifact, connection, work);
    const database = artifact.export.database ?? '';
    await requireTables({ connection, database }, request.tables, work);
    await dropForeignKeys(connection, database, request.tables, work);
    await moveFrom(connection, moving);
  });
}

async function requireTables(from: Target, tables: readonly string[], { signal }: Work): Promise<void> {
  const there = await existing(from, tables, signal);
  const lacking = tables.filter((name) => !there.includes(name));
  if (lacking.length === 0) return;
  throw new BackupError('not-found', `The export of "${from.database}" holds no table ${lacking.join(', ')}.`, {
    remedy: 'Names are those of tables, without the database before them.',
  });
}

const key = z.object({ name: z.string(), table: z.string() });

/** They would point into the database that the tables are only made in. */
async function dropForeignKeys(
  connection: Connection,
  database: string,
  tables: readonly string[],
  { signal }: Work,
): Promise<void> {
  const list = tables.map((name) => literal(name)).join(', ');
  const keys = await rows(
    connection,
    key,
    `SELECT JSON_OBJECT('name', CONSTRAINT_NAME, 'table', TABLE_NAME) FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE CONSTRAINT_SCHEMA = ${literal(database)} AND TABLE_NAME IN (${list})`,
    { signal },
  );
  for (const { name, table } of keys) {
    const where = `${identifier(database)}.${identifier(table)}`;
    await run(connection, `ALTER TABLE ${where} DROP FOREIGN KEY ${identifier(name)}`, { signal });
  }
}

async function moveFrom(from: Connection, { request, artifact, target, found, there, aside }: Moving): Promise<void> {
  const { tables, work } = request;
  const { connection, database } = target;
  const options = { signal: work.signal };
  const workshop = workshopOf(aside);
  const made = artifact.export.made ?? {};
  /** Each session under the lock: so an attempt after this one knows that the server is still at work for it. */
  const locked = (...statements: readonly string[]) =>
    run(connection, `${takeLock(workshop, PATIENT)}${statements.join(';\n')}`, options);
  try {
    // An attempt before may have left one.
    await locked(`DROP DATABASE IF EXISTS ${identifier(workshop)}`, createStatement(workshop, made));
    const lock = `--init-command=${lockStatement(workshop, PATIENT)}`;
    await runPipeline({
      programs: [
        dumpTables(from, artifact.export.database ?? '', tables),
        clientProgram(connection, ['--binary-mode', '--max-allowed-packet=1G', lock, `--database=${workshop}`]),
      ],
      bytes: () => 0,
      phase: 'restoring',
      total: null,
      work: { ...work, standstill: Number.POSITIVE_INFINITY },
    });
    if (found.exists === 0) await locked(createStatement(database, made));
    const moves = [
      ...there.map((name) => `${of(database, name)} TO ${of(database, asideOf(name, aside))}`),
      ...tables.map((name) => `${of(workshop, name)} TO ${of(database, name)}`),
    ];
    await locked(`RENAME TABLE ${moves.join(', ')}`);
  } catch (error) {
    if (isTaken(error)) throw atWork(database, null);
    await dropWorkshop(target, aside, new AbortController().signal).catch((also: unknown) =>
      // Why the restore failed matters more.
      work.log.warn(
        { database: workshop, error: String(also) },
        'the database that tables were made in is still there',
      ),
    );
    throw error instanceof BackupError && error.facts['program'] === 'mariadb' ? clientError(error, connection) : error;
  }
  await dropWorkshop(target, aside, new AbortController().signal);
}

/** Our own session before it may still be ending. */
const PATIENT = { patience: 10 } as const;

/** The database that tables are made in, before they are moved. */
export function workshopOf(aside: string): string {
  return `mosaic_restore${aside}`;
}

export async function dropWorkshop({ connection }: Target, aside: string, signal: AbortSignal): Promise<void> {
  const workshop = workshopOf(aside);
  await run(connection, `${takeLock(workshop, PATIENT)}DROP DATABASE IF EXISTS ${identifier(workshop)}`, { signal });
}

function of(database: string, table: string): string {
  return `${identifier(database)}.${identifier(table)}`;
}
