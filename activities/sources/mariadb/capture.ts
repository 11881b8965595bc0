/** The capture of a whole server: a streamed backup or dump, and its inventory. */
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { INVENTORY_SCHEMA, type MariadbEntry } from '../../../model/inventory.ts';
import type { Consistency } from '../../../model/source.ts';
import type { Warning } from '../../../model/manifest.ts';
import type { Captured, CaptureContext } from '../types.ts';
import type { Place } from './check-binlog.ts';
import { backupConnection, checkConnection, exportConnection, type Connection } from './connection.ts';
import { lineageOf } from './datadir.ts';
import type { Table } from './digests.ts';
import { describeEngine } from './engine.ts';
import { takeExports } from './export/capture.ts';
import { withEventEnds } from './event-ends.ts';
import { gatherFacts, whereItStands, type Facts } from './facts.ts';
import { reconcile, takeInventory } from './inventory.ts';
import { decideKind } from './kind.ts';
import { captureLogical } from './logical.ts';
import { keepLsnFolder, lsnFolder, sweepLsnFolders } from './lsn-folder.ts';
import { capturePhysical, requireSameServer } from './physical.ts';
import { physicalPosition, type PhysicalPosition } from './position.ts';
import { programRelease } from './programs.ts';
import { hasWholeBinlog, rowEntries, rowsBySnapshot, rowsOf, rowWarnings, TRANSACTIONAL } from './rows.ts';

type Context = CaptureContext<MariadbSource>;

/** What the two methods have in common, made out of what only each knows. */
type Read = Pick<Captured, 'position' | 'tools' | 'warnings' | 'consistency'> & Pick<Captured, 'onSealed'>;

export async function capture(context: Context): Promise<Captured> {
  const { config, work, readSecret } = context;
  const connection = await backupConnection(config, readSecret);
  const checking = await checkConnection(config, readSecret);
  const facts = await gatherFacts(connection, { signal: work.signal });
  const shown = config.method !== 'logical' && hasWholeBinlog(facts);
  // What no snapshot shows is read before and after.
  const isLoose = ({ engine }: Pick<Table, 'engine'>): boolean => !shown || engine !== TRANSACTIONAL;
  const rowsBefore = await rowsOf(checking, work, isLoose);
  const before = await takeInventory(connection, work.signal);
  const read =
    config.method === 'logical'
      ? await logical(context, connection, facts, before)
      : await physical(context, connection, facts, before);
  const from = placeOf(read.position);
  const snapshot =
    checking && shown && from ? await rowsBySnapshot(context, { connection, checking, from }) : undefined;
  const rowsAfter = await rowsOf(checking, work, isLoose);
  const exported = await takeExports(context);
  const after = await takeInventory(connection, work.signal);
  const rows = [...(snapshot?.entries ?? []), ...rowEntries(rowsBefore, rowsAfter)];
  const settled = reconcile(before, after);
  const reader = await dumpingConnection(context, connection);
  await writeInventory(context, [...(await withEventEnds(settled, reader, work.signal)), ...rows]);
  return {
    ...read,
    engine: describeEngine(facts),
    warnings: [...read.warnings, ...exported, ...(snapshot?.warnings ?? []), ...rowWarnings(rowsBefore, rowsAfter)],
  };
}

/** The account that dumps are made with, where this backup holds any. */
async function dumpingConnection(
  { config, tier, readSecret }: Context,
  own: Connection,
): Promise<Connection | undefined> {
  if (config.method === 'logical') return own;
  return config.export?.tiers.includes(tier) ? exportConnection(config, readSecret) : undefined;
}

/** Where in the binary log a physical backup stands. */
function placeOf(position: Captured['position']): Place | undefined {
  const { binlogFile, binlogPosition } = physicalPosition.safeParse(position).data ?? {};
  if (typeof binlogFile !== 'string' || typeof binlogPosition !== 'number') return undefined;
  return { file: binlogFile, position: binlogPosition };
}

async function physical(
  context: Context,
  connection: Connection,
  facts: Facts,
  inventory: readonly MariadbEntry[],
): Promise<Read> {
  const { config, state, work, attempt, kind } = context;
  const options = { signal: work.signal };
  const decision = await decideKind({ config, state, chain: context.newestChain, facts, connection, options });
  if (kind === 'incremental' && decision.kind === 'full') {
    // Between the choice of the kind and now something has changed; the next attempt chooses again.
    throw new BackupError('failed', `an incremental was to be made, but ${decision.unexpected ?? 'a full is due'}`);
  }
  const base = kind === 'incremental' && decision.kind === 'incremental' ? decision.parent : undefined;
  const parent = base ? { folder: lsnFolder(state, base.lsnFolder), toLsn: base.toLsn } : undefined;
  const lineage = await lineageOf(facts);
  const captured = await capturePhysical(context, { connection, parent, bytes: bytesOf(inventory) });
  const after = await whereItStands(connection, options);
  requireSameServer(captured.checkpoints, facts, after);
  await keepLsnFolder(captured.folder, state, attempt, work.signal);
  const { fromLsn, toLsn, lastLsn } = captured.checkpoints;
  return {
    consistency: consistencyOf(inventory),
    position: {
      method: 'physical',
      lsnFolder: attempt,
      fromLsn,
      toLsn,
      lastLsn,
      binlogFile: captured.binlog?.file ?? null,
      binlogPosition: captured.binlog?.position ?? null,
      gtid: captured.binlog?.gtid ?? null,
      lineage,
      endedAt: after.clock,
    } satisfies PhysicalPosition,
    tools: { 'mariadb-backup': await programRelease('mariadb-backup') },
    warnings: kind === 'full' && decision.kind === 'full' ? fullWarning(decision.unexpected) : [],
    onSealed: () => sweepLsnFolders(state, attempt),
  };
}

async function logical(
  context: Context,
  connection: Connection,
  facts: Facts,
  inventory: readonly MariadbEntry[],
): Promise<Read> {
  const { LOG_BIN: logBin } = facts.settings;
  await captureLogical(context, connection, { binlog: logBin === 'ON' || logBin === '1' });
  const after = await whereItStands(connection, { signal: context.work.signal });
  return {
    consistency: consistencyOf(inventory),
    // The position itself stands in the dump, as comments; the transactions of it lie between these two.
    position: { method: 'logical', gtidBefore: facts.gtid, gtidAfter: after.gtid },
    tools: { 'mariadb-dump': await programRelease('mariadb-dump') },
    warnings: [],
    onSealed: () => sweepLsnFolders(context.state, undefined),
  };
}

/**
 * Only tables with transactions are held still by `--single-transaction`. mariadb-backup waits for a table without them
 * while one session writes it ("SHOW OPEN TABLES WHERE In_use = 1", 10.11 to 11.8): with two at work it reads the files
 * at once, and what these sessions were writing is in the binary log's position, but not in the table.
 */
function consistencyOf(inventory: readonly MariadbEntry[]): Consistency {
  const isLoose = (entry: MariadbEntry): boolean =>
    entry.entry === 'table' &&
    entry.database !== 'mysql' &&
    entry.database !== 'sys' &&
    entry.engine !== null &&
    entry.engine !== 'InnoDB';
  return inventory.some(isLoose) ? 'fuzzy' : 'crash';
}

/** Engines whose tables are files that mariadb-backup reads; those in memory or on other servers have sizes as well. */
const IN_FILES: ReadonlySet<string | null> = new Set(['InnoDB', 'Aria', 'MyISAM']);

function bytesOf(inventory: readonly MariadbEntry[]): number {
  return inventory.reduce(
    (sum, entry) => sum + (entry.entry === 'table' && IN_FILES.has(entry.engine) ? entry.bytes : 0),
    0,
  );
}

function fullWarning(reason: string | null): readonly Warning[] {
  if (reason === null) return [];
  return [{ code: 'mariadb.full', message: `This is a full, though none was due: ${reason}.`, partial: false }];
}

async function writeInventory({ artifacts, source }: Context, entries: readonly MariadbEntry[]): Promise<void> {
  const header = { schema: INVENTORY_SCHEMA, source, type: 'mariadb' };
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  await artifacts.lines(lines, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });
}
