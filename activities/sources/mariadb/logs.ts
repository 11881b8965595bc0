/** Continuous logs: the binary logs that are finished, shipped whole. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Warning } from '../../../model/manifest.ts';
import { programVersion } from '../../streams/versions.ts';
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
import { describeEngine } from './engine.ts';
import { gatherFacts } from './facts.ts';
import { sameGtids } from './gtid.ts';
import { beginLineage, currentLineage, lineageBegins } from './lineage.ts';
import { rows, run, type SessionOptions } from './session.ts';

/** A file begins with 256 bytes of header. */
export const LEAST_BYTES = 100;

/**
 * Ends the file that is being written, and ships all that are finished and were not yet.
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
  if (before && sameGtids(before.gtidEnd, facts.gtid)) return null;

  // Before the flush: what was committed until then is in the files that end now.
  const coversUntil = await clock(connection, options);
  await run(connection, 'FLUSH BINARY LOGS', options);
  const all = await listBinlogs(connection, options);
  const after = before ? numberOf(before.lastFile) : await lineageBegins(received);
  const files = all.slice(0, -1).filter(({ name }) => numberOf(name) > after);
  const [first, active] = [files[0], all.at(-1)];
  const final = files.at(-1);
  if (!first || !final || !active) return null;
  const folder = path.join(received, 'files');
  const position: LogPosition = {
    method: 'binlog',
    lineage,
    firstFile: first.name,
    lastFile: final.name,
    gtidStart: before?.gtidEnd ?? (await startOf(connection, first.name, options)),
    gtidEnd: await startOf(connection, active.name, options),
    coversUntil,
  };
  await receive(connection, { folder, files, work });
  for (const { name } of files) {
    const producer = { command: 'cat', args: ['--', path.join(folder, name)] };
    await artifacts.stream(producer, { role: 'binlog', name: artifactOf(name), minPlainBytes: LEAST_BYTES });
  }
  return {
    first: idOf(lineage, first),
    last: idOf(lineage, final),
    coversUntil,
    engine: describeEngine(facts),
    position,
    tools: { 'mariadb-binlog': await programVersion('mariadb-binlog') },
    warnings: last && !before ? [newLineage(last, first)] : [],
    onSealed: () => rm(folder, { recursive: true, force: true }),
  };
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

const time = z.object({ time: z.string() });

async function clock(connection: Connection, options: SessionOptions): Promise<string> {
  const sql = "SELECT JSON_OBJECT('time', DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%SZ'))";
  const [now] = await rows(connection, time, sql, options);
  if (!now) throw new TypeError('a query for one row gave none');
  return now.time;
}

/** Names of files are the server's to choose; numbers are not. */
export function artifactOf(file: string): string {
  return `binlog.${String(numberOf(file)).padStart(6, '0')}`;
}

/** A file as one end of an id of logs. */
export function idOf(lineage: string, { name }: Pick<Binlog, 'name'>): string {
  return `${lineage}.${String(numberOf(name)).padStart(6, '0')}`;
}
