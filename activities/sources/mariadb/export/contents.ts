/** Names of what an export holds: a restore of one table can say what there is before anything of it is fetched. */
import { z } from 'zod';
import type { ExportEntry } from '../../../../model/export.ts';
import type { Connection } from '../connection.ts';
import { literal, rows } from '../session.ts';

type Named = Extract<ExportEntry, { readonly entry: 'object' }>;

const listed = z.object({ name: z.string(), type: z.string() });

/** Tables, views and sequences of one database. */
export async function listContents(
  connection: Connection,
  database: string,
  signal: AbortSignal,
): Promise<readonly Named[]> {
  const found = await rows(
    connection,
    listed,
    `SELECT JSON_OBJECT('name', TABLE_NAME, 'type', TABLE_TYPE) FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${literal(database)} AND TABLE_TYPE NOT LIKE '%TEMPORARY%' ORDER BY TABLE_NAME`,
    { signal },
  );
  return found.map(({ name, type }) => ({ entry: 'object', database, kind: KINDS[type] ?? 'table', name }));
}

const KINDS: Readonly<Record<string, string>> = { VIEW: 'view', SEQUENCE: 'sequence' };

/** What was there before an export or after it: what is in the export is among that. */
export function either(before: readonly Named[], after: readonly Named[]): readonly Named[] {
  return [...new Map([...before, ...after].map((each) => [`${each.kind} ${each.name}`, each])).values()];
}
