/**
 * Whether a restored shop equals what its own restored ledger says, and its ledger the source's. A table must be the
 * base of the journal, less the images before, plus the images after; each row that the journal names must be its
 * last image; and each image before must be the one that the last change had left.
 */
import { z } from 'zod';
import type { Session } from '../../../../activities/sources/postgres/session.ts';
import type { Check } from '../../../../model/evidence.ts';
import { equalTable, sameJournal, wholeJournal } from '../journal.ts';

export interface Replay {
  readonly tables: number;
  readonly rows: number;
  /** Transactions in the restored journal. */
  readonly transactions: number;
  /** Number of the last transaction that is in the restore. */
  readonly last: number;
  readonly checks: readonly Check[];
}

const JOURNAL = z.object({
  head: z.coerce.number(),
  first: z.coerce.number(),
  last: z.coerce.number(),
  entries: z.coerce.number(),
});
const TABLE = z.object({
  rows: z.coerce.number(),
  expected: z.coerce.number(),
  equal: z.boolean(),
  differing: z.coerce.number(),
  broken: z.coerce.number(),
});
const DIGEST = z.object({ digest: z.string() });

/**
 * Replays the journal of the restored server.
 * @param source a session on the source, whose journal up to there must be the same.
 * @param confirmed number of the last transaction that the source had confirmed when the run began.
 */
export async function replay(restored: Session, source: Session, confirmed: number): Promise<Replay> {
  const [journal] = await restored.rows(JOURNAL, JOURNAL_QUERY);
  if (!journal) throw new TypeError('an aggregate has one row');
  const relations = await restored.rows(
    z.object({ relation: z.string() }),
    'SELECT relation FROM ledger.base ORDER BY 1',
  );
  const tables = [];
  for (const { relation } of relations) {
    const [table] = await restored.rows(TABLE, tableQuery(relation));
    if (table) tables.push({ relation, ...table });
  }
  const [there] = await source.rows(JOURNAL, JOURNAL_QUERY);
  return {
    tables: tables.length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    transactions: journal.entries,
    last: journal.head,
    checks: [
      wholeJournal(journal, confirmed),
      await sameJournal(journal, there, (from, to) =>
        Promise.all([digestOf(restored, from, to), digestOf(source, from, to)]),
      ),
      ...tables.map(({ relation, ...table }) => equalTable(relation, table)),
    ],
  };
}

async function digestOf(session: Session, from: number, to: number): Promise<string | undefined> {
  const [row] = await session.rows(DIGEST, JOURNAL_DIGEST, [from, to]);
  return row?.digest;
}

const JOURNAL_QUERY = `
  SELECT (SELECT number FROM ledger.head) AS head, coalesce(min(number), 0) AS first, coalesce(max(number), 0) AS last,
         count(*) AS entries
    FROM ledger.journal`;

const JOURNAL_DIGEST = `
  SELECT concat_ws('/', (SELECT concat_ws(':', count(*), sum(hashtextextended(j::text, 1)), sum(hashtextextended(j::text, 2)))
                           FROM ledger.journal AS j WHERE number BETWEEN $1 AND $2),
                        (SELECT concat_ws(':', count(*), sum(hashtextextended(o::text, 1)), sum(hashtextextended(o::text, 2)))
                           FROM ledger.operation AS o WHERE number BETWEEN $1 AND $2)) AS digest`;

/** Sums of hashes do not depend on the order of rows; two with different seeds leave no room for chance. */
function tableQuery(relation: string): string {
  const literal = `'${relation.replaceAll("'", "''")}'`;
  const table = `shop."${relation.replaceAll('"', '""')}"`;
  return `
  WITH change AS MATERIALIZED (
    SELECT number, position, key,
           CASE WHEN before IS NOT NULL THEN jsonb_populate_record(NULL::${table}, before)::text END AS before,
           CASE WHEN after IS NOT NULL THEN jsonb_populate_record(NULL::${table}, after)::text END AS after
      FROM ledger.operation WHERE relation = ${literal}
  ), step AS MATERIALIZED (
    SELECT *, lag(after) OVER changes AS left_behind, row_number() OVER changes = 1 AS is_first,
           lead(key) OVER changes IS NULL AS is_last
      FROM change WINDOW changes AS (PARTITION BY key ORDER BY number, position)
  ), replayed AS (
    SELECT base.rows + count(after) - count(before) AS rows,
           base.first + coalesce(sum(hashtextextended(after, 1)), 0) - coalesce(sum(hashtextextended(before, 1)), 0) AS first,
           base.second + coalesce(sum(hashtextextended(after, 2)), 0) - coalesce(sum(hashtextextended(before, 2)), 0) AS second
      FROM ledger.base LEFT JOIN change ON true WHERE base.relation = ${literal}
     GROUP BY base.rows, base.first, base.second
  ), found AS (
    SELECT count(*) AS rows, coalesce(sum(hashtextextended(t::text, 1)), 0) AS first,
           coalesce(sum(hashtextextended(t::text, 2)), 0) AS second
      FROM ${table} AS t
  )
  SELECT found.rows, replayed.rows AS expected,
         found.first = replayed.first AND found.second = replayed.second AS equal,
         (SELECT count(*) FROM step LEFT JOIN ${table} AS t ON t.id = step.key
           WHERE is_last AND after IS DISTINCT FROM t::text) AS differing,
         (SELECT count(*) FROM step WHERE NOT is_first AND before IS DISTINCT FROM left_behind) AS broken
    FROM found, replayed`;
}
