/** What a database holds, asked within the snapshot of its export: so a check can compare all of it, and one table be found. */
import { z } from 'zod';
import { BackupError } from '../../../../model/errors.ts';
import { exportedTable, type ExportEntry } from '../../../../model/export.ts';
import { digest, digestQuery } from '../digests.ts';
import { stateBehind, type Session } from '../session.ts';

/** Schemas that are the server's own. A table of an extension comes with the extension. */
const OURS = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`;

function ofNoExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;
}

const table = exportedTable.extend({
  /** Has rows of its own that a restore must equal. */
  keepsRows: z.boolean(),
});
export type Table = z.infer<typeof table>;

/** Every table of users, with what makes it. */
export function listTables(session: Session): Promise<readonly Table[]> {
  return session.rows(table, TABLES);
}

// pg_restore prints a line break in a name as a space.
const SPACED = String.raw`E'\n\r', '  '`;

/** Sequences of a table's columns: serial ('a') and identity ('i'). */
const OWNED = `(
  SELECT q.oid, q.relname, m.nspname, w.rolname AS owner FROM pg_depend d
    JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S' JOIN pg_namespace m ON m.oid = q.relnamespace
    JOIN pg_roles w ON w.oid = q.relowner
   WHERE d.classid = 1259 AND d.refclassid = 1259 AND d.refobjid = c.oid AND d.deptype IN ('a', 'i'))`;

const TABLES = `
  SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::text AS oid,
         CASE WHEN c.relispartition THEN (SELECT inhparent::text FROM pg_inherits WHERE inhrelid = c.oid) END AS "partitionOf",
         ARRAY (SELECT '1259 ' || c.oid UNION ALL SELECT '0 ' || c.oid
                UNION ALL SELECT '1259 ' || indexrelid FROM pg_index WHERE indrelid = c.oid
                UNION ALL SELECT '2606 ' || oid FROM pg_constraint WHERE conrelid = c.oid AND contype <> 'f'
                UNION ALL SELECT '2604 ' || oid FROM pg_attrdef WHERE adrelid = c.oid
                UNION ALL SELECT '3381 ' || oid FROM pg_statistic_ext WHERE stxrelid = c.oid
                UNION ALL SELECT '3256 ' || oid FROM pg_policy WHERE polrelid = c.oid
                UNION ALL SELECT '1259 ' || s.oid FROM ${OWNED} s) AS parts,
         ARRAY (SELECT what || ' ' || translate(s.nspname || ' ' || s.relname || ' ' || s.owner, ${SPACED})
                  FROM ${OWNED} s, unnest(ARRAY ['SEQUENCE OWNED BY', 'SEQUENCE SET']) what) AS texts,
         ARRAY (SELECT translate('TABLE ATTACH ' || n.nspname || ' ' || c.relname || ' ' || o.rolname, ${SPACED})
                UNION ALL
                SELECT translate('INDEX ATTACH ' || n.nspname || ' ' || i.relname || ' ' || o.rolname, ${SPACED})
                  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid) AS attach,
         ARRAY (SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass FROM pg_constraint
                 WHERE contype = 'f' AND (conrelid = c.oid OR confrelid = c.oid) AND conparentid = 0
                UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal
                UNION ALL SELECT 'rule ' || rulename FROM pg_rewrite WHERE ev_class = c.oid
                UNION ALL SELECT 'grants' WHERE c.relacl IS NOT NULL
                UNION ALL SELECT 'publication ' || pubname FROM pg_publication_rel r
                            JOIN pg_publication p ON p.oid = r.prpubid WHERE r.prrelid = c.oid) AS left,
         c.relkind = 'r' AND c.relpersistence = 'p' AS "keepsRows"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles o ON o.oid = c.relowner
   WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND ${OURS} AND ${ofNoExtension('pg_class', 'c.oid')}
   ORDER BY 1, 2`;

const object = z.object({ kind: z.string(), name: z.string() });

/** Everything by name whose presence after a restore can be compared; what comes with an extension is left out. */
export function listObjects(session: Session): Promise<readonly z.infer<typeof object>[]> {
  return session.rows(object, OBJECTS);
}

const OBJECTS = `
  SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
              WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table'
              WHEN 'c' THEN 'composite type' ELSE 'index' END AS kind, c.oid::regclass::text AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c', 'i', 'I') AND c.relpersistence <> 't' AND ${OURS}
     AND ${ofNoExtension('pg_class', 'c.oid')}
     AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND ${isOfExtension('i.indrelid')})
  UNION ALL
  SELECT 'constraint', conname || ' of ' || conrelid::regclass || ': ' || pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
   WHERE contype IN ('p', 'u', 'f', 'c', 'x') AND conrelid <> 0 AND ${OURS} AND NOT ${isOfExtension('conrelid')}
  UNION ALL
  SELECT 'default', d.adrelid::regclass || '.' || a.attname || ': ' || pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE ${OURS} AND NOT ${isOfExtension('d.adrelid')}
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text || ' ' || md5(p.prosrc)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE ${OURS} AND ${ofNoExtension('pg_proc', 'p.oid')}
     AND NOT EXISTS (SELECT FROM pg_depend y WHERE y.classid = 'pg_proc'::regclass AND y.objid = p.oid AND y.deptype = 'i')
  UNION ALL
  SELECT 'trigger', tgname || ' of ' || tgrelid::regclass FROM pg_trigger g
    JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT tgisinternal AND ${OURS} AND NOT ${isOfExtension('tgrelid')}
  UNION ALL
  SELECT 'policy', polname || ' of ' || polrelid::regclass FROM pg_policy
  UNION ALL
  SELECT 'schema', n.nspname FROM pg_namespace n WHERE ${OURS} AND ${ofNoExtension('pg_namespace', 'n.oid')}
  UNION ALL
  SELECT 'extension', extname FROM pg_extension
  UNION ALL
  SELECT 'large object', oid::text || ' ' || coalesce((SELECT md5(string_agg(pageno || ':' || md5(data), ',' ORDER BY pageno))
                                                         FROM pg_largeobject l WHERE l.loid = m.oid), '')
    FROM pg_largeobject_metadata m
  ORDER BY 1, 2`;

function isOfExtension(relation: string): string {
  return `EXISTS (SELECT FROM pg_depend z WHERE z.classid = 1259 AND z.objid = ${relation} AND z.deptype = 'e')`;
}

/**
 * Digests of rows, within the snapshot. A table that cannot be digested is named, with why.
 */
export async function* digestRows(
  session: Session,
  database: string,
  tables: readonly Table[],
): AsyncGenerator<ExportEntry> {
  for (const { schema, name, keepsRows } of tables) {
    if (!keepsRows) continue;
    await session.run('SAVEPOINT one_table');
    try {
      const [row] = await session.rows(digest, digestQuery(schema, name));
      if (row) yield { entry: 'rows', database, schema, name, ...row };
    } catch (error) {
      if (!(error instanceof BackupError) || ['unreachable', 'aborted'].includes(error.code)) throw error;
      const why = `${error.cause instanceof Error ? error.cause.message : error.message} (${stateBehind(error) ?? ''})`;
      yield { entry: 'unread', database, schema, name, why };
      await session.run('ROLLBACK TO SAVEPOINT one_table');
    }
  }
}
