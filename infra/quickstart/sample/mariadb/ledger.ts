/** The ledger of the wiki: how rows are written down in it, and the triggers that do. */
import { z } from 'zod';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { identifier, literal, rows, run, type SessionOptions } from '../../../../activities/sources/mariadb/session.ts';

export const DATABASE = 'wiki';

export interface WikiTable {
  readonly name: string;
  /** In their order. */
  readonly columns: readonly string[];
}

const table = z.object({ name: z.string(), columns: z.array(z.string()) });

/** The tables of the wiki, as a server has them. */
export function wikiTables(connection: Connection, options: SessionOptions): Promise<readonly WikiTable[]> {
  return rows(
    connection,
    table,
    `SELECT JSON_OBJECT('name', TABLE_NAME, 'columns', JSON_ARRAYAGG(COLUMN_NAME ORDER BY ORDINAL_POSITION))
       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${literal(DATABASE)} GROUP BY TABLE_NAME ORDER BY TABLE_NAME`,
    options,
  );
}

/** The image of a row, as SQL: of a table's alias, or NEW and OLD of a trigger. */
export function imageOf({ columns }: WikiTable, of: string): string {
  return `JSON_ARRAY(${columns.map((column) => `${of}.${identifier(column)}`).join(', ')})`;
}

/** The journal begins: what the tables are now is the base, and from here on every change is recorded. */
export async function openLedger(connection: Connection, options: SessionOptions): Promise<void> {
  const tables = await wikiTables(connection, options);
  await run(connection, ['SET SESSION sql_log_bin = 0', 'USE ledger', ...tables.flatMap(opening)].join(';\n'), options);
}

function opening(of: WikiTable): readonly string[] {
  const name = identifier(of.name);
  const image = imageOf(of, 't');
  return [
    `INSERT INTO base
       SELECT ${literal(of.name)}, COUNT(*), COALESCE(SUM(CAST(first_hash(${image}) AS decimal(40))), 0), COALESCE(SUM(CAST(second_hash(${image}) AS decimal(40))), 0)
         FROM wiki.${name} AS t`,
    trigger(of, 'INSERT', 'NEW.id', 'NULL', imageOf(of, 'NEW')),
    trigger(of, 'UPDATE', 'NEW.id', imageOf(of, 'OLD'), imageOf(of, 'NEW')),
    trigger(of, 'DELETE', 'OLD.id', imageOf(of, 'OLD'), 'NULL'),
  ];
}

function trigger({ name }: WikiTable, event: string, id: string, before: string, after: string): string {
  return `CREATE TRIGGER wiki.${identifier(`record_${event.toLowerCase()}_${name}`)} AFTER ${event} ON wiki.${identifier(name)} FOR EACH ROW
    INSERT INTO ledger.operation (number, relation, id, \`before\`, \`after\`) VALUES (@ledger_number, ${literal(name)}, ${id}, ${before}, ${after})`;
}
