/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { PostgresEntry } from '../../../model/inventory.ts';
import type { Work } from '../../work.ts';
import { contentsChecks, type EarlierContents } from '../earlier-contents.ts';
import type { BackupReader } from '../types.ts';
import { besideRows, type BesideRows } from './beside-rows.ts';
import type { Binaries } from './binaries.ts';
import { failed, notCompared, passed, some, type CheckName } from './checks.ts';
import { compareRows, type ComparedRows } from './compare-rows.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName } from './digests.ts';
import { gatherFacts } from './facts.ts';
import { identityOf, takeInventory } from './inventory.ts';
import type { NoRecovery, Recovery } from './moment/recover.ts';
import { readable } from './preflight.ts';
import { withSession } from './session.ts';

const COMPARED = {
  database: 'databases',
  relation: 'relations',
  extension: 'extensions',
  role: 'roles',
} as const satisfies Partial<Record<PostgresEntry['entry'], CheckName>>;

const WHAT = 'rows by table, and what is beside them';

export interface Comparing {
  /** As superuser of the restored server. */
  readonly connection: Connection;
  /** Of the server. */
  readonly binaries: Binaries;
  /** Null where it is damaged: there is nothing to compare with, and no moment. */
  readonly inventory: readonly PostgresEntry[] | null;
  /** How the server was recovered to the moment whose rows are known; or why they are not compared. */
  readonly moment: Recovery | NoRecovery;
  /** Whose restored data they are, and what earlier proofs found in them; null where nobody asks for that. */
  readonly proof: { readonly backup: BackupReader; readonly earlier: readonly EarlierContents[] } | null;
  readonly work: Work;
}

/** All comparisons. */
export async function compareWithInventory(comparing: Comparing): Promise<readonly Check[]> {
  const { connection, binaries, inventory, moment, proof, work } = comparing;
  const facts = await withSession(connection, { application: 'mosaic-backup check', signal: work.signal }, gatherFacts);
  const found = new Set((await takeInventory(connection, facts, work.signal)).map(identityOf));
  const kinds = ['database', 'relation', 'extension', 'role'] as const;
  const also = proof ? readable(facts).map(({ name }) => name) : [];
  const rows: ComparedRows = moment.possible
    ? await compareRows({ connection, inventory: inventory ?? [], recovery: moment, also, work })
    : { check: moment.check, compared: new Set(), found: await digestRows(connection, also, work.signal) };
  return [
    ...kinds.map((kind) =>
      inventory
        ? compareEntries(kind, inventory, found)
        : notCompared(COMPARED[kind], 'not compared: the inventory is damaged'),
    ),
    rows.check,
    collations(facts.databases),
    ...(proof
      ? withEarlier(rows, await besideRows(connection, also, binaries, work), { ...proof, recovered: moment.possible })
      : []),
  ];
}

/** All that no digest of the source tells of, with what earlier proofs found in it. */
function withEarlier(
  { compared, found: { tables, unread } }: ComparedRows,
  { parts: beside, by }: BesideRows,
  {
    backup,
    earlier,
    recovered,
  }: { readonly backup: BackupReader; readonly earlier: readonly EarlierContents[]; readonly recovered: boolean },
): readonly Check[] {
  const parts = new Map([
    ...tables.map((table) => [tableName(table), `${table.rows} ${table.digest}`] as const),
    ...unread.map((table) => [tableName(table), null] as const),
    ...beside,
  ]);
  for (const name of compared) parts.delete(name);
  // Behind the backup's end there may be other rows: what was found at one moment says nothing of another.
  const way = `postgres contents 2, at ${recovered ? 'the moment whose rows are known' : 'the end of the backup'}`;
  const partial = unread.some(({ name }) => name === '*');
  return contentsChecks(backup, { way, what: WHAT, parts, by, excused: () => compared, partial, aside: [] }, earlier);
}

function compareEntries(
  kind: keyof typeof COMPARED,
  inventory: readonly PostgresEntry[],
  found: ReadonlySet<string>,
): Check {
  const name = COMPARED[kind];
  const all = inventory.filter((entry) => entry.entry === kind);
  const expected = all.filter((entry) => entry['settled'] !== false);
  const missing = expected.filter((entry) => !found.has(identityOf(entry))).map(labelOf);
  const restless = all.length - expected.length;
  const aside = restless === 0 ? '' : `; ${restless} came or changed during the capture and were not compared`;
  if (missing.length > 0)
    return failed(name, `${missing.length} of ${expected.length} are missing or differ: ${some(missing)}${aside}`);
  return passed(name, `${expected.length} as in the inventory${aside}`);
}

function labelOf(entry: PostgresEntry): string {
  if (entry.entry === 'relation') return tableName(entry);
  if (entry.entry === 'extension') return `${entry.name} ${entry.version} in ${entry.database}`;
  return entry.entry === 'snapshot' || entry.entry === 'moment' ? entry.entry : entry.name;
}

function collations(databases: Awaited<ReturnType<typeof gatherFacts>>['databases']): Check {
  const versioned = databases.filter(({ collationVersion }) => collationVersion !== null);
  const other = versioned.filter(({ collationVersion, actualVersion }) => collationVersion !== actualVersion);
  if (versioned.length === 0) return passed('collations', 'no database is sorted by a library whose version matters');
  if (other.length === 0)
    return passed('collations', `${versioned.length} databases, sorted by the version that is here`);
  const list = other.map(
    ({ name, collationVersion, actualVersion }) => `${name} (${collationVersion}, here ${actualVersion})`,
  );
  return failed('collations', `sorted by another collation version, REINDEX before use: ${some(list)}`);
}
