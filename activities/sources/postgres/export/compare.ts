/** A database made out of its export alone, against what the snapshot of the export showed. */
import type { Check } from '../../../../model/evidence.ts';
import type { ExportEntry } from '../../../../model/export.ts';
import type { Work } from '../../../work.ts';
import { some } from '../../check-results.ts';
import type { Connection } from '../connection.ts';
import { APPLICATION } from '../application.ts';
import { withSession, type Session } from '../session.ts';
import { digestRows, listObjects, listTables } from './contents.ts';
import { nameOf } from './select.ts';

export interface Comparing {
  /** Of the check. */
  readonly name: string;
  /** To the database that was made. */
  readonly connection: Connection;
  /** Whose export it is. */
  readonly database: string;
  readonly entries: readonly ExportEntry[];
  readonly work: Work;
}

export async function compareExport(comparing: Comparing): Promise<Check> {
  const { name, connection, database, entries, work } = comparing;
  return withSession(connection, { application: APPLICATION, signal: work.signal }, async (session) => {
    await session.run('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const objects = entries.filter((entry) => entry.entry === 'object');
    const different = [
      ...(await objectsThatDiffer(session, objects)),
      ...(await rowsThatDiffer(session, database, entries)),
    ];
    if (different.length > 0)
      return { name, compared: true, ok: false, detail: `${different.length} differ: ${some(different)}` };
    return { name, compared: true, ok: true, detail: said(objects.length, entries) };
  });
}

function said(objects: number, entries: readonly ExportEntry[]): string {
  const rows = entries.filter((entry) => entry.entry === 'rows');
  const unread = entries.filter((entry) => entry.entry === 'unread');
  const tables = entries.filter((entry) => entry.entry === 'table').length;
  const count = rows.reduce((sum, entry) => sum + entry.rows, 0);
  const made = `restored into an empty server: ${objects} objects as they were`;
  if (rows.length === 0 && tables > 0) return `${made}; rows of ${tables} tables not compared: they were not digested`;
  const aside = unread.length > 0 ? `; not compared: ${some(unread.map(nameOf))} (${unread[0]?.why})` : '';
  return `${made}, ${rows.length} tables with ${count} rows are equal${aside}`;
}

type Named = Extract<ExportEntry, { readonly entry: 'object' }>;

async function objectsThatDiffer(session: Session, expected: readonly Named[]): Promise<readonly string[]> {
  const found = new Set((await listObjects(session)).map(labelOf));
  const wanted = new Set(expected.map(labelOf));
  return [
    ...[...wanted].filter((label) => !found.has(label)).map((label) => `${label} (missing)`),
    ...[...found].filter((label) => !wanted.has(label)).map((label) => `${label} (was not there)`),
  ];
}

function labelOf({ kind, name }: { readonly kind: string; readonly name: string }): string {
  return `${kind} ${name}`;
}

async function rowsThatDiffer(
  session: Session,
  database: string,
  entries: readonly ExportEntry[],
): Promise<readonly string[]> {
  const wanted = entries.filter((entry) => entry.entry === 'rows');
  if (wanted.length === 0) return [];
  const found = new Map<string, ExportEntry>();
  for await (const entry of digestRows(session, database, await listTables(session))) {
    if (entry.entry === 'rows' || entry.entry === 'unread') found.set(nameOf(entry), entry);
  }
  return wanted.flatMap((expected) => {
    const label = nameOf(expected);
    const one = found.get(label);
    if (one?.entry !== 'rows') return [`${label} (${one?.entry === 'unread' ? one.why : 'missing'})`];
    if (one.rows !== expected.rows) return [`${label} (${one.rows} rows, ${expected.rows} in the source)`];
    return one.digest === expected.digest ? [] : [`${label} (same number of rows, other content)`];
  });
}
