/** A restored server against the inventory of its backup. */
import type { Check } from '../../../model/evidence.ts';
import type { MariadbEntry } from '../../../model/inventory.ts';
import { contentsChecks, type EarlierContents } from '../earlier-contents.ts';
import type { BackupReader } from '../types.ts';
import { besideRows, type BesideRows } from './beside-rows.ts';
import { failed, passed, some, type CheckName } from './checks.ts';
import { compareRows, VERSIONED_AT_LOAD, type ComparedRows } from './compare-rows.ts';
import type { Connection } from './connection.ts';
import { digestRows, tableName, versionedTables, type Digests } from './digests.ts';
import { apartFromOver, statelessIdentity, toldOver } from './event-ends.ts';
import { seriesOf } from './facts.ts';
import { identityOf, takeInventory } from './inventory.ts';
import type { Moment } from './moment.ts';

const COMPARED = {
  database: 'databases',
  table: 'tables',
  routine: 'routines',
  event: 'events',
  user: 'users',
} as const satisfies Partial<Record<MariadbEntry['entry'], CheckName>>;

const WHAT = 'rows by table, and what is beside them';

export interface Comparing {
  readonly connection: Connection;
  readonly inventory: readonly MariadbEntry[];
  /** Why checksums of rows here mean nothing; undefined where they do. */
  readonly otherRows: string | undefined;
  /** Whether the data are where the snapshot stood by which rows were read. */
  readonly moment: Moment;
  /** Whether they were loaded out of a dump, statement by statement. */
  readonly loaded: boolean;
  /** Whose restored data they are, and what earlier proofs found in them; null where nobody asks for that. */
  readonly proof: Proof | null;
  readonly signal: AbortSignal;
}

export interface Proof {
  readonly backup: BackupReader;
  readonly earlier: readonly EarlierContents[];
  /** Release of the server that sums the rows. */
  readonly here: string;
}

/** All comparisons, made by somebody who may see everything of the restored server. */
export async function compareWithInventory(comparing: Comparing): Promise<readonly Check[]> {
  const { connection, inventory, moment, proof, loaded, signal } = comparing;
  const there = await takeInventory(connection, signal);
  const kinds = ['database', 'table', 'routine', 'event', 'user'] as const;
  const read = once(() => digestRows(connection, signal));
  const apart: ReadonlySet<string> = loaded ? await versionedTables(connection, signal) : new Set();
  const rows = await compareRows({ ...comparing, apart }, read);
  return [
    ...kinds.map((kind) => compareEntries(kind, inventory, there, loaded)),
    rows.check,
    ...(proof
      ? withEarlier(proof, moment, {
          compared: rows.compared,
          apart,
          digests: await read(),
          beside: await besideRows(connection, { here: proof.here, loaded, signal }),
        })
      : []),
  ];
}

function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined;
  return () => (made ??= make());
}

interface Found extends Pick<ComparedRows, 'compared'> {
  readonly apart: ReadonlySet<string>;
  readonly digests: Digests;
  readonly beside: BesideRows;
}

/** All that no digest of the source tells of, with what earlier proofs found in it. */
function withEarlier(
  { backup, earlier, here }: Proof,
  moment: Moment,
  { compared, apart, digests: { tables, unread }, beside }: Found,
): readonly Check[] {
  const parts = new Map([
    ...tables.map((table) => [tableName(table), `${table.rows} ${table.digest}`] as const),
    ...unread.map((table) => [tableName(table), null] as const),
    ...beside.parts,
  ]);
  const known = [...compared, ...apart];
  for (const name of known) parts.delete(name);
  const aside = [...(apart.size === 0 ? [] : [`${some([...apart])}: ${VERSIONED_AT_LOAD}`]), ...beside.aside];
  // Each series sums rows in its own way, and behind the backup's end there may be other ones.
  const at = moment.reached && moment.replayed ? 'the moment whose rows are known' : 'the end of the backup';
  const way = `mariadb contents 2, by ${seriesOf(here)}, at ${at}`;
  return contentsChecks(backup, { way, what: WHAT, parts, by: beside.by, excused: () => known, aside }, earlier);
}

function compareEntries(
  kind: keyof typeof COMPARED,
  inventory: readonly MariadbEntry[],
  there: readonly MariadbEntry[],
  loaded: boolean,
): Check {
  const name = COMPARED[kind];
  const all = inventory.filter((entry) => entry.entry === kind);
  const expected = all.filter((entry) => entry['settled'] !== false);
  const own = there.filter((entry) => entry.entry === kind);
  const found = new Set(own.map(identityOf));
  const lacking = expected.filter((entry) => !found.has(identityOf(entry)));
  const { missing, over } = loaded
    ? apartFromOver(lacking, new Set(own.map(statelessIdentity)))
    : { missing: lacking, over: [] };
  const restless = all.length - expected.length;
  const moved = restless === 0 ? '' : `; ${restless} came or changed during the capture and were not compared`;
  const aside = `${moved}${toldOver(over)}`;
  if (missing.length > 0) {
    return failed(
      name,
      `${missing.length} of ${expected.length} are missing or differ: ${some(missing.map(labelOf))}${aside}`,
    );
  }
  return passed(name, `${expected.length - over.length} as in the inventory${aside}`);
}

function labelOf(entry: MariadbEntry): string {
  if (entry.entry === 'table') return `${tableName(entry)} (${entry.engine ?? entry.kind})`;
  if (entry.entry === 'snapshot') return entry.file;
  if (entry.entry === 'rows' || entry.entry === 'routine' || entry.entry === 'event') return tableName(entry);
  return entry.entry === 'user' ? `${entry.name}@${entry.host}` : entry.name;
}
