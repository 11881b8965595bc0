/** Which lines of an archive's table of contents one table needs. Pure. */
import { BackupError } from '../../../../model/errors.ts';
import type { ExportedTable, ExportEntry } from '../../../../model/export.ts';
import { noSuchTable } from '../../stored-exports.ts';
import { identifier } from '../findings.ts';

export interface Selection {
  /** The tables that were asked for. */
  readonly tables: readonly ExportedTable[];
  /** With the partitions of them. */
  readonly all: readonly ExportedTable[];
  /** For pg_restore --use-list. */
  readonly list: string;
  /** What belongs to them and is not restored along. */
  readonly left: readonly string[];
}

/**
 * @param entries of one database.
 * @param wanted names as people write them: `orders`, `public.orders`, `public."Odd name"`.
 * @throws BackupError `not-found`, `ambiguous`.
 */
export function selectTables(entries: readonly ExportEntry[], database: string, wanted: readonly string[]): Selection {
  const known = entries.filter((entry) => entry.entry === 'table');
  const tables = wanted.map((name) => findTable(known, database, name));
  const all = [
    ...new Map(tables.flatMap((table) => withPartitions(known, table)).map((each) => [each.oid, each])).values(),
  ];
  const roots = new Set(tables.map(({ oid }) => oid));
  const parts = new Set(all.flatMap((table) => table.parts));
  const texts = new Set(
    all.flatMap((table) => [...table.texts, ...(isAttached(table, all, roots) ? table.attach : [])]),
  );
  const chosen = entries
    .filter((entry) => entry.entry === 'content')
    .filter(({ catalog, oid, text }) => (oid === '0' ? texts.has(text) : parts.has(`${catalog} ${oid}`)));
  return {
    tables,
    all,
    // In the order of the archive: out of a stream nothing can be had in another.
    list: chosen.map(({ id, catalog, oid, text }) => `${id}; ${catalog} ${oid} ${text}\n`).join(''),
    left: [...new Set(all.flatMap((table) => table.left.map((what) => `${what} (${nameOf(table)})`)))],
  };
}

/** A partition of something that comes along; one that was asked for by itself becomes a table of its own. */
function isAttached(
  { oid, partitionOf }: ExportedTable,
  all: readonly ExportedTable[],
  roots: ReadonlySet<string>,
): boolean {
  return (
    partitionOf !== null &&
    all.some((other) => other.oid === partitionOf) &&
    (!roots.has(oid) || roots.has(partitionOf))
  );
}

function withPartitions(known: readonly ExportedTable[], table: ExportedTable): readonly ExportedTable[] {
  const partitions = known.filter(({ partitionOf }) => partitionOf === table.oid);
  return [table, ...partitions.flatMap((partition) => withPartitions(known, partition))];
}

function findTable(known: readonly ExportedTable[], database: string, wanted: string): ExportedTable {
  const whole = known.filter(({ schema, name }) => [`${schema}.${name}`, nameOf({ schema, name })].includes(wanted));
  const found = whole.length > 0 ? whole : known.filter(({ name }) => name === wanted || identifier(name) === wanted);
  const [only, ...more] = found;
  if (only && more.length === 0) return only;
  if (only) {
    throw new BackupError(
      'ambiguous',
      `"${wanted}" is the name of ${found.length} tables: ${found.map(nameOf).join(', ')}`,
      {
        remedy: 'Write it with its schema.',
      },
    );
  }
  const spellings = known.map((table) => table.name);
  throw noSuchTable({ database, table: wanted, tables: known.map(nameOf), spellings });
}

/** `public.orders`, quoted where it must be. */
export function nameOf({ schema, name }: Pick<ExportedTable, 'schema' | 'name'>): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** The same for SQL: always quoted, since a name may be a word of the language. */
export function sqlName({ schema, name }: Pick<ExportedTable, 'schema' | 'name'>): string {
  return `${quoted(schema)}.${quoted(name)}`;
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
