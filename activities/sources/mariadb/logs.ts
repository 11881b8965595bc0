/** Continuous logs: the binary logs that are finished, shipped whole. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Warning } from '../../../model/manifest.ts';
import { programVersion } from '../../streams/versions.ts';
import { MOST_BYTES, noRoom, roomFor } from '../receiving-room.ts';
import type { LogsContext, Shipped } from '../types.ts';
import {
  familyOf,
  listBinlogs,
  logPosition,
  numberOf,
  receive,
  startOf,
  type Binlog,
  type LogPosition,
} from './binlogs.ts';
import { backupConnection, type Connection } from './connection.ts';
import { lineageIfSeen } from './datadir.ts';
import { describeEngine } from './engine.ts';
import { gatherFacts, type Facts } from './facts.ts';
import { sameGtids } from './gtid.ts';
import { beginLineage, currentLineage, lineageBegins } from './lineage.ts';
import { rows, run, type SessionOptions } from './session.ts';

/** Logs that are known to cover no time. */
const NEVER = '1970-01-01T00:00:00Z';
/** A file begins with 256 bytes of header. */
export const LEAST_BYTES = 100;

/**
 * Ends the file that is being written, and ships all that are finished and were not yet; where nothing was committed
 * since, only that is recorded.
 * @throws BackupError `conflict` at a hole; what is shipped next begins a lineage of its own.
 */
export async function ship(context: LogsContext<MariadbSource>): Promise<Shipped | null> {
  const { config, readSecret, work, received, newest, artifacts } = context;
  const connection = await backupConnection(config, readSecret);
  const options = { signal: work.signal };
  const facts = await gatherFacts(connection, options);
  const last = newest ? logPosition.parse(newest.position) : undefined;
  const lineage = await currentLineage(received, last?.lineage);
  const before = last?.lineage === lineage ? last : undefined;
  if (before) await requireUnbroken(connection, before, received, options);
  // Before the flush: what was committed until then is in the files that end now.
  const { time: coversUntil, gtid } = await now(connection, options);
  const dataFolder = await lineageIfSeen(facts);
  const written = dataFolder === undefined ? {} : { dataFolder };
  if (before && sameGtids(before.gtidEnd, gtid)) return idle(before, { ...written, coversUntil }, facts);
  await run(connection, 'FLUSH BINARY LOGS', options);
  const all = await listBinlogs(connection, options);
  const after = before ? numberOf(before.lastFile) : await lineageBegins(received);
  const due = all.slice(0, -1).filter(({ name }) => numberOf(name) > after);
  const folder = path.join(received, 'files');
  // What a failed attempt left is asked for again: it must not take the room of that.
  await rm(folder, { recursive: true, force: true });
  const files = fitting(due, await roomFor(received));
  const [first, final] = [files[0], files.at(-1)];
  const [next] = all.slice(all.findIndex(({ name }) => name === final?.name) + 1);
  if (due[0] && !first) throw await noRoom(received, due[0].bytes);
  if (!first || !final || !next) return null;
  // What was committed since is in files that come later: until when these reach is only known of those before.
  const reached = files.length === due.length ? coversUntil : (before?.coversUntil ?? NEVER);
  const position: LogPosition = {
    method: 'binlog',
    lineage,
    ...written,
    firstFile: first.name,
    lastFile: final.name,
    gtidStart: before?.gtidEnd ?? (await startOf(connection, first.name, options)),
    gtidEnd: await startOf(connection, next.name, options),
    coversUntil: reached,
  };
  await receive(connection, { folder, files, work });
  for (const { name } of files) {
    const producer = { command: 'cat', args: ['--', path.join(folder, name)] };
    await artifacts.stream(producer, { role: 'binlog', name: artifactOf(name), minPlainBytes: LEAST_BYTES });
  }
  return {
    first: idOf(lineage, first),
    last: idOf(lineage, final),
    coversUntil: reached,
    engine: describeEngine(facts),
    position,
    tools: { 'mariadb-binlog': await programVersion('mariadb-binlog') },
    warnings: last && !before ? [newLineage(last, first)] : [],
    onSealed: () => rm(folder, { recursive: true, force: true }),
  };
}

/** As many files, in order, as there is room for, and as one step should take; a larger first one comes alone. */
function fitting(files: readonly Binlog[], room: number): readonly Binlog[] {
  let bytes = 0;
  const end = files.findIndex((file, index) => {
    bytes += file.bytes;
    return bytes > room || (index > 0 && bytes > MOST_BYTES);
  });
  return end < 0 ? files : files.slice(0, end);
}

/** The file that follows what is sealed must be there, and begin where that ended. */
async function requireUnbroken(
  connection: Connection,
  before: LogPosition,
  received: string,
  options: SessionOptions,
): Promise<void> {
  const all = await listBinlogs(connection, options);
  const next = all.find(
    ({ name }) => familyOf(name) === familyOf(before.lastFile) && numberOf(name) === numberOf(before.lastFile) + 1,
  );
  const gtid = next ? await startOf(connection, next.name, options) : undefined;
  if (gtid !== undefined && sameGtids(gtid, before.gtidEnd)) return;
  await beginLineage(received);
  const found = gtid === undefined ? 'the file after it is gone' : `the file after it begins at ${gtid || 'nothing'}`;
  throw new BackupError(
    'conflict',
    `The binary logs have a hole: ${before.lastFile}, up to ${before.gtidEnd}, is shipped, and ${found}.`,
    {
      remedy:
        'Take a full backup now: what was committed in between can only be had from it. Raise binlog_expire_logs_seconds if files were purged.',
      facts: { lastFile: before.lastFile, gtidEnd: before.gtidEnd, next: next?.name ?? null },
    },
  );
}

/** Said in the manifest as well: whoever was to hear of the hole may have been killed. */
function newLineage(last: LogPosition, first: Binlog): Warning {
  const message = `These logs begin anew with ${first.name}: they do not follow ${last.lastFile} (${last.gtidEnd}) of the last ones. Nothing is restored across that but by a later full.`;
  return { code: 'logs-gap', message, partial: true };
}

/** Nothing was committed since: that is what is stored, and nothing is asked of the server. */
function idle(before: LogPosition, now: Pick<LogPosition, 'dataFolder' | 'coversUntil'>, facts: Facts): Shipped {
  const { coversUntil } = now;
  const position: LogPosition = {
    method: 'binlog',
    lineage: before.lineage,
    firstFile: before.lastFile,
    lastFile: before.lastFile,
    gtidStart: before.gtidEnd,
    gtidEnd: before.gtidEnd,
    ...now,
    idle: true,
  };
  return {
    first: idOf(before.lineage, { name: before.lastFile }),
    last: `idle.${coversUntil.replaceAll(/[-:]/g, '')}`,
    coversUntil,
    engine: describeEngine(facts),
    position,
    tools: {},
    warnings: [],
  };
}

const moment = z.object({ time: z.string(), gtid: z.string() });

/** The server's clock, which a statement reads first, and the last transactions that were committed then. */
async function now(connection: Connection, options: SessionOptions): Promise<z.infer<typeof moment>> {
  const sql = `SELECT JSON_OBJECT('time', DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%SZ'),
                                  'gtid', @@GLOBAL.gtid_binlog_pos)`;
  const [found] = await rows(connection, moment, sql, options);
  if (!found) throw new TypeError('a query for one row gave none');
  return found;
}

/** Names of files are the server's to choose; numbers are not. */
export function artifactOf(file: string): string {
  return `binlog.${String(numberOf(file)).padStart(6, '0')}`;
}

/** A file as one end of an id of logs. */
export function idOf(lineage: string, { name }: Pick<Binlog, 'name'>): string {
  return `${lineage}.${String(numberOf(name)).padStart(6, '0')}`;
}
