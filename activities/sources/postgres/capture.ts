/** The capture of a whole cluster: a base backup, full or incremental, with the WAL that makes it consistent, and its inventory. */
import { copyFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PostgresSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { INVENTORY_SCHEMA, type PostgresEntry } from '../../../model/inventory.ts';
import type { Manifest, Warning } from '../../../model/manifest.ts';
import { reaping } from '../../containers/reap.ts';
import { requireSpace } from '../../storage/space.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Captured, CaptureContext } from '../types.ts';
import { positionReader, spooled, streamed, type BaseBackup, type Position } from './base-backup.ts';
import { openBracket } from './bracket.ts';
import { captureFailure } from './capture-failure.ts';
import { requireClient } from './client-program.ts';
import { backupConnection, checkConnection } from './connection.ts';
import { describeEngine } from './engine.ts';
import { takeExports } from './export/capture.ts';
import { gatherFacts, majorOf, type Facts } from './facts.ts';
import { requireDecision, fullWarning } from './incremental/decision.ts';
import { keepManifest } from './incremental/keep-manifest.ts';
import { decideKind } from './incremental/kind.ts';
import { comingFile, keepComing, sweepParents } from './incremental/parents.ts';
import { basePosition } from './incremental/position.ts';
import { incrementalFailure } from './incremental/refused.ts';
import { reconcile, takeInventory } from './inventory.ts';
import { APPLICATION } from './preflight.ts';
import type { Moment } from './moment/fix.ts';
import { momentOf, rowsOf } from './rows.ts';
import { withSession } from './session.ts';

type Context = CaptureContext<PostgresSource>;

/** An empty cluster is some 20 MB; less than this is none. */
const LEAST_BYTES = 4 * 2 ** 20;

/** An incremental has at least one WAL segment, of 1 MB or more. */
const LEAST_INCREMENTAL_BYTES = 2 ** 20;

export async function capture(context: Context): Promise<Captured> {
  const { config, work, readSecret, source, state, attempt } = context;
  const decision = await decideKind(context, context.newestChain);
  const parent = requireDecision(context.kind, decision);
  if (context.newestChain.length > 0) await sweepParents(state, digestOfNewest(context.newestChain));
  const connection = await backupConnection(config, readSecret);
  const checking = await checkConnection(config, readSecret);
  const facts = await withSession(connection, { application: APPLICATION, signal: work.signal }, gatherFacts);
  const wanted = {
    program: 'pg_basebackup',
    major: majorOf(facts.versionNumber),
    hint: config.binaries,
    // Tablespaces are spooled into files of this machine.
    streams: facts.tablespaces.length === 0,
  };
  const client = await requireClient(connection, wanted, work.signal);
  // All reading that can wait for others happens outside the bracket.
  const before = await takeInventory(connection, facts, work.signal);
  const reader = positionReader();
  const backup = {
    client,
    connection,
    limits: config.limits ?? {},
    onStderr: reader.onStderr,
    label: `mosaic-backup ${source} ${attempt}`,
    incremental: parent?.file,
  };
  const least = parent ? LEAST_INCREMENTAL_BYTES : leastBytes(before);
  const expected = { facts, least, kept: decision.buildable ? comingFile(state, attempt) : null };
  let moment: Moment | Warning | null;
  try {
    moment = await readUnderBracket(context, backup, expected, () =>
      momentOf({ context, connection, checking, facts, position: reader.position() }),
    );
  } catch (error) {
    await rm(comingFile(state, attempt), { force: true });
    throw parent ? await incrementalFailure(error, state, parent.digest) : error;
  }
  const position = reader.position();
  // By snapshots: the server goes on meanwhile, and nothing is held up by it.
  const rows = await rowsOf(moment, work);
  // As of the end of the base backup, as near as can be.
  const exports = await takeExports(context, facts);
  const later = await withSession(connection, { application: APPLICATION, signal: work.signal }, gatherFacts);
  const after = await takeInventory(connection, later, work.signal);
  await writeInventory(context, [...reconcile(before, after), ...rows.entries]);
  const digest = decision.buildable ? await keepComing(state, attempt) : null;
  return {
    consistency: 'crash',
    engine: describeEngine(facts, connection.reached?.container.image),
    // A recovery cannot stop before the backup's end, and PostgreSQL would not refuse to try: by the server's own clock.
    position: {
      systemId: requireSame(facts, later, position),
      ...position,
      endedAt: later.clock,
      ...(digest !== null && { backupManifest: digest }),
    },
    tools: { pg_basebackup: client.version, ...exports.tools },
    warnings: [...fullWarning(decision), ...rows.warnings, ...exports.warnings],
    onSealed: () => sweepParents(state, digest),
  };
}

interface Expected {
  readonly facts: Facts;
  readonly least: number;
  /** Where its backup_manifest is kept for the next incremental; null when none may build on it. */
  readonly kept: string | null;
}

/** @returns what `then` does while the WAL behind the backup is kept as well. */
async function readUnderBracket<Result>(
  context: Context,
  backup: BaseBackup,
  expected: Expected,
  then: () => Promise<Result>,
): Promise<Result> {
  const bracket = await openBracket(backup.connection, context.attempt, context.work.signal);
  try {
    if (expected.facts.tablespaces.length === 0) await stream(context, backup, expected);
    else await spool(context, backup, expected);
    await bracket.confirm();
    return await then();
  } catch (error) {
    throw await captureFailure(error, backup.connection, () => bracket.confirm());
  } finally {
    await bracket.release();
  }
}

async function stream({ artifacts, work }: Context, backup: BaseBackup, { least, kept }: Expected): Promise<void> {
  const producers = [...streamed(backup), ...(kept === null ? [] : [keepManifest(kept)])];
  const use = () => artifacts.stream(producers, { role: 'base', name: 'base.tar', minPlainBytes: least });
  const { client, connection } = backup;
  if (!client.inside || !connection.reached) return void (await use());
  const { container, owner } = connection.reached;
  await reaping(container, { owner, work, use });
}

/** pg_basebackup can only write files where there are tablespaces; each is its own artifact. */
async function spool(context: Context, backup: BaseBackup, { facts, least, kept }: Expected): Promise<void> {
  const { work, artifacts, config } = context;
  const spool = await context.spool();
  const bytes = facts.databases.reduce((sum, database) => sum + (database.bytes ?? 0), 0);
  await requireSpace({ path: spool, needed: bytes });
  const folder = path.join(spool, 'base');
  let moved = 0;
  const onStderr = (line: string): void => {
    moved = progressOf(line) ?? moved;
    backup.onStderr(line);
  };
  await runPipeline({
    programs: [spooled({ ...backup, onStderr }, folder)],
    bytes: () => moved,
    phase: 'spooling',
    total: bytes,
    limits: config.limits ?? {},
    work,
  });
  if (kept !== null) await copyFile(path.join(folder, 'backup_manifest'), kept);
  for (const file of (await readdir(folder)).toSorted()) {
    const role = roleOf(file);
    const producer = { command: 'cat', args: ['--', path.join(folder, file)] };
    await artifacts.stream(producer, {
      role,
      name: file,
      minPlainBytes: role === 'base' ? Math.min(least, LEAST_BYTES) : 1,
    });
    await rm(path.join(folder, file));
  }
}

/** `12345/67890 kB (18%), 0/2 tablespaces` */
function progressOf(line: string): number | undefined {
  const match = /^\s*(\d+)\/\d+ kB/.exec(line);
  return match ? Number(match[1]) * 1024 : undefined;
}

function roleOf(file: string): string {
  if (file === 'base.tar') return 'base';
  if (file === 'pg_wal.tar') return 'wal';
  if (file === 'backup_manifest') return 'manifest';
  if (/^\d+\.tar$/.test(file)) return 'tablespace';
  throw new BackupError('failed', `pg_basebackup wrote a file that is not known: ${file}`, { facts: { file } });
}

/** Whose backup_manifest stays in state until another backup is sealed. */
function digestOfNewest(chain: readonly Manifest[]): string | null {
  return basePosition.safeParse(chain.at(-1)?.position).data?.backupManifest ?? null;
}

/** Half of what the relations take on disk: tables may shrink or go while it reads. Unlogged ones are not in it. */
function leastBytes(inventory: readonly PostgresEntry[]): number {
  const logged = inventory.map((entry) => (entry.entry === 'relation' && entry.logged ? entry.bytes : 0));
  return Math.max(LEAST_BYTES, Math.floor(logged.reduce((sum, bytes) => sum + bytes, 0) / 2));
}

async function writeInventory({ artifacts, source }: Context, entries: readonly PostgresEntry[]): Promise<void> {
  const header = { schema: INVENTORY_SCHEMA, source, type: 'postgres' };
  const lines = [header, ...entries].map((line) => JSON.stringify(line));
  await artifacts.lines(lines, { role: 'inventory', name: 'inventory', minPlainBytes: 1 });
}

/** A failover behind a host name while the backup ran would mix two clusters, or two histories of one. */
function requireSame(before: Facts, after: Facts, { timeline }: Position): string {
  // Before it the last checkpoint may still be from before a promotion; the backup itself has made a new one.
  if (before.systemId === after.systemId && after.timeline === timeline) return before.systemId;
  throw new BackupError('failed', 'Another server answered at the end of the backup than at its beginning.', {
    remedy: 'Let connection.host name one server, or run the backup again once the failover is over.',
    facts: { before: before.systemId, after: after.systemId, timeline, timelineAfter: after.timeline },
  });
}
