/** Which tables of a recovered server cannot be compared with what the source's snapshots showed. */
import { z } from 'zod';
import type { Session } from '../session.ts';
import type { Recovery } from './recover.ts';

/** Tables as `schema.name` in JSON; or all of the database, and why. */
export type Apart = { readonly all: string } | { readonly all: null; readonly tables: ReadonlySet<string> };

/** Of the database that the session is in. */
export async function tablesApart(
  session: Session,
  recovery: Pick<Recovery, 'seen' | 'place' | 'touched'>,
  database: string,
): Promise<Apart> {
  const own = recovery.seen.get(database);
  if (!own) return { all: 'no snapshot of it was taken' };
  const { snapshot, oid } = own;
  const differing = recovery.place.differing.get(database) ?? [];
  const known = new Set(differing.flatMap(({ xid, subtransactions }) => [xid, ...subtransactions]));
  // The proof: this server itself says which transactions it has that the snapshot did not show.
  const running = [...snapshot.running].map(String);
  const committed = await session.rows(z.object({ xid: z.string() }), COMMITTED, [running, String(snapshot.xmax)]);
  const surplus = committed.filter(({ xid }) => !known.has(BigInt(xid)));
  if (surplus.length > 0)
    return { all: `${surplus.length} transactions were committed before their snapshot showed them` };
  if (differing.length === 0) return { all: null, tables: new Set() };
  const owners = new Map((await session.rows(storage, STORAGE)).map(({ file, ...owner }) => [file, owner] as const));
  const tables = new Set<string>();
  for (const { xid } of differing) {
    const files = recovery.touched.get(xid);
    if (!files) return { all: 'a transaction that was longer under way was committed just then' };
    for (const file of files) {
      const of = file.split('/')[1];
      if (of !== oid && of !== '0') continue;
      const owner = owners.get(file);
      if (!owner || owner.schema === 'pg_catalog') return { all: 'definitions were changed just then' };
      tables.add(keyOf(owner));
    }
  }
  return { all: null, tables };
}

export function keyOf({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return JSON.stringify([schema, name]);
}

const COMMITTED = `
  SELECT xid::text AS xid
    FROM (SELECT unnest($1::text[])::xid8 AS xid
           UNION ALL
          SELECT number::text::xid8
            FROM generate_series($2::numeric, pg_snapshot_xmax(pg_current_snapshot())::text::numeric - 1) AS number) AS hidden
   WHERE xid < pg_snapshot_xmax(pg_current_snapshot()) AND pg_xact_status(xid) = 'committed'`;

const storage = z.object({ file: z.string(), schema: z.string(), name: z.string() });

// Each file, and the table that it belongs to: its own rows, their long values, or an index of either.
const STORAGE = `
  SELECT concat_ws('/', coalesce(nullif(f.reltablespace, 0), d.dattablespace), d.oid, pg_relation_filenode(f.oid)) AS file,
         n.nspname::text AS schema, t.relname::text AS name
    FROM pg_class f
    JOIN pg_database d ON d.datname = current_database()
    LEFT JOIN pg_index i ON i.indexrelid = f.oid
    LEFT JOIN pg_class owner ON owner.reltoastrelid = coalesce(i.indrelid, f.oid) AND owner.reltoastrelid <> 0
    JOIN pg_class t ON t.oid = coalesce(owner.oid, i.indrelid, f.oid)
    JOIN pg_namespace n ON n.oid = t.relnamespace
   WHERE pg_relation_filenode(f.oid) IS NOT NULL`;
