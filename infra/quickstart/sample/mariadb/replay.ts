/**
 * Whether a restored wiki equals what its own restored ledger says, and its ledger the source's. A table must be the
 * base of the journal, less the images before, plus the images after; each row that the journal names must be its
 * last image; and each image before must be the one that the last change had left.
 */
import { z } from 'zod';
import type { Connection } from '../../../../activities/sources/mariadb/connection.ts';
import { identifier, literal, rows, type SessionOptions } from '../../../../activities/sources/mariadb/session.ts';
import type { Check } from '../../../../model/evidence.ts';
import { equalTable, sameJournal, wholeJournal, type ReplayedTable } from '../journal.ts';
import { imageOf, wikiTables, type WikiTable } from './ledger.ts';

export interface Replay {
  readonly tables: number;
  readonly rows: number;
  /** Number of the last transaction that is in the restore. */
  readonly last: number;
  readonly checks: readonly Check[];
}

const journalFacts = z.object({ head: z.number(), first: z.number(), last: z.number(), entries: z.number() });
const replayed = z.object({
  rows: z.number(),
  expected: z.number(),
  equal: z.boolean(),
  differing: z.number(),
  broken: z.number(),
});
const digest = z.object({ digest: z.string() });
const relation = z.object({ relation: z.string() });

/**
 * Replays the journal of the restored server.
 * @param source the server that was backed up, whose journal up to there must be the same.
 * @param confirmed number of the last transaction that the source had confirmed when the run began.
 */
export async function replay(
  restored: Connection,
  source: Connection,
  confirmed: number,
  options: SessionOptions,
): Promise<Replay> {
  const [[journal], [there], known, tables] = await Promise.all([
    rows(restored, journalFacts, JOURNAL, options),
    rows(source, journalFacts, JOURNAL, options),
    rows(restored, relation, "SELECT JSON_OBJECT('relation', relation) FROM ledger.base", options),
    wikiTables(restored, options),
  ]);
  if (!journal) throw new TypeError('an aggregate has one row');
  const found: ({ readonly name: string } & ReplayedTable)[] = [];
  for (const table of tables) {
    const [row] = await rows(restored, replayed, tableQuery(table), options);
    if (row) found.push({ name: table.name, ...row });
  }
  const missing = known.filter((base) => !found.some(({ name }) => name === base.relation));
  return {
    tables: found.length,
    rows: found.reduce((sum, table) => sum + table.rows, 0),
    last: journal.head,
    checks: [
      wholeJournal(journal, confirmed),
      await sameJournal(journal, there, (from, to) =>
        Promise.all([digestOf(restored, from, to, options), digestOf(source, from, to, options)]),
      ),
      ...found.map(({ name, ...table }) => equalTable(name, table)),
      ...missing.map((base) => ({
        name: `rows: ${base.relation}`,
        compared: true,
        ok: false,
        detail: 'the table lacks, and the journal has it',
      })),
    ],
  };
}

async function digestOf(
  connection: Connection,
  from: number,
  to: number,
  options: SessionOptions,
): Promise<string | undefined> {
  const [row] = await rows(connection, digest, journalDigest(from, to), options);
  return row?.digest;
}

const JOURNAL = `
  SELECT JSON_OBJECT('head', (SELECT number FROM ledger.head), 'first', COALESCE(MIN(number), 0),
                     'last', COALESCE(MAX(number), 0), 'entries', COUNT(*))
    FROM ledger.journal`;

function journalDigest(from: number, to: number): string {
  const sums = (image: string) =>
    `COUNT(*), ':', COALESCE(SUM(CAST(ledger.first_hash(${image}) AS decimal(40))), 0), ':', COALESCE(SUM(CAST(ledger.second_hash(${image}) AS decimal(40))), 0)`;
  const within = `number BETWEEN ${from} AND ${to}`;
  return `
    SELECT JSON_OBJECT('digest', CONCAT(
      (SELECT CONCAT(${sums('JSON_ARRAY(number, at, what)')}) FROM ledger.journal WHERE ${within}), '/',
      (SELECT CONCAT(${sums('JSON_ARRAY(position, number, relation, id, `before`, `after`)')}) FROM ledger.operation WHERE ${within})))`;
}

/** Sums of hashes do not depend on the order of rows. */
function tableQuery(table: WikiTable): string {
  const of = literal(table.name);
  const name = `wiki.${identifier(table.name)}`;
  const sum = (half: string, image: string) => `COALESCE(SUM(CAST(ledger.${half}_hash(${image}) AS decimal(40))), 0)`;
  const image = imageOf(table, 't');
  return `
  WITH step AS (
    SELECT id, \`before\`, \`after\`, LAG(\`after\`) OVER changes AS left_behind, ROW_NUMBER() OVER changes AS nth,
           LEAD(id) OVER changes AS next_id
      FROM ledger.operation WHERE relation = ${of} WINDOW changes AS (PARTITION BY id ORDER BY position)
  ), changed AS (
    SELECT COUNT(\`after\`) - COUNT(\`before\`) AS \`rows\`,
           ${sum('first', '`after`')} - ${sum('first', '`before`')} AS first,
           ${sum('second', '`after`')} - ${sum('second', '`before`')} AS second
      FROM ledger.operation WHERE relation = ${of}
  ), found AS (
    SELECT COUNT(*) AS \`rows\`, ${sum('first', image)} AS first, ${sum('second', image)} AS second FROM ${name} AS t
  )
  SELECT JSON_OBJECT(
    'rows', found.\`rows\`, 'expected', base.\`rows\` + changed.\`rows\`,
    'equal', found.first = base.first + changed.first AND found.second = base.second + changed.second,
    'differing', (SELECT COUNT(*) FROM step LEFT JOIN ${name} AS t USING (id)
                   WHERE next_id IS NULL AND NOT BINARY \`after\` <=> BINARY IF(t.id IS NULL, NULL, ${image})),
    'broken', (SELECT COUNT(*) FROM step WHERE nth > 1 AND NOT BINARY \`before\` <=> BINARY left_behind))
    FROM found, changed, ledger.base WHERE base.relation = ${of}`;
}
