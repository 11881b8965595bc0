/** A server's binary logs: which there are, where each begins, and their way to here. */
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import type { LogsPlace } from '../types.ts';
import { optionFile, type Connection } from './connection.ts';
import { gtidPosition, sameGtids } from './gtid.ts';
import { literal, rows, run, type SessionOptions } from './session.ts';

export interface Binlog {
  /** `mysql-bin.000007` */
  readonly name: string;
  readonly bytes: number;
}

/** What a backup of logs writes into `position` of its manifest. */
export const logPosition = z.looseObject({
  method: z.literal('binlog'),
  /** An id of our own: after a restore GTIDs and file names begin again, and mean something else. */
  lineage: z.string(),
  /**
   * The data folder of the server that wrote them, as backups of it name it (`lineage` in position.ts). Absent in logs of
   * earlier versions, and where this host does not see it.
   */
  dataFolder: z.string().optional(),
  firstFile: z.string(),
  lastFile: z.string(),
  /** All transactions before the first file, and at the end of the last. */
  gtidStart: gtidPosition,
  gtidEnd: gtidPosition,
  /** RFC 3339, UTC, the server's clock: what was committed until then is in these logs or earlier ones. */
  coversUntil: z.iso.datetime(),
  /**
   * It holds no file: from the end of `lastFile`, which was shipped before, until `coversUntil` the server committed
   * nothing. So an idle server's time goes on without an empty file every few minutes, here and on the server.
   */
  idle: z.boolean().optional(),
});
export type LogPosition = z.infer<typeof logPosition>;

/** Numbers of files grow within a lineage. */
export function placeOf({ position }: Manifest): LogsPlace | null {
  const { lineage, lastFile } = logPosition.safeParse(position).data ?? {};
  return lineage === undefined || lastFile === undefined
    ? null
    : { history: lineage, end: BigInt(numberOf(lastFile) || 0) };
}

/** All of them, oldest first; the last is being written. */
export async function listBinlogs(connection: Connection, options: SessionOptions): Promise<readonly Binlog[]> {
  const lines = await run(connection, 'SHOW BINARY LOGS', options);
  return lines.map((line) => {
    const [name = '', bytes = ''] = line.split('\t');
    return { name, bytes: Number(bytes) };
  });
}

const start = z.object({ gtid: z.string().nullable() });

/** The transactions before a file begins. */
export async function startOf(connection: Connection, file: string, options: SessionOptions): Promise<string> {
  const sql = `SELECT JSON_OBJECT('gtid', BINLOG_GTID_POS(${literal(file)}, 4))`;
  const [found] = await rows(connection, start, sql, options);
  if (found && found.gtid !== null) return found.gtid;
  throw new BackupError('failed', `The server does not say which GTID ${file} begins with: it may be purged already.`);
}

/** Whether a record of an idle time begins where logs end: nothing was committed between the two. */
export function continues({ lineage, lastFile, gtidEnd }: LogPosition, mark: LogPosition): boolean {
  return (
    mark.idle === true &&
    mark.lineage === lineage &&
    numberOf(mark.lastFile) === numberOf(lastFile) &&
    sameGtids(mark.gtidEnd, gtidEnd)
  );
}

/** Whether logs begin where others of the same lineage end, so that nothing lacks between the two. */
export function follows(before: LogPosition, after: LogPosition): boolean {
  return (
    before.lineage === after.lineage &&
    numberOf(after.firstFile) === numberOf(before.lastFile) + 1 &&
    sameGtids(before.gtidEnd, after.gtidStart)
  );
}

/** The number at the end of a file's name. */
export function numberOf(file: string): number {
  return Number(/\.(\d+)$/.exec(file)?.[1]);
}

/** `mysql-bin` of `mysql-bin.000007`. */
export function familyOf(file: string): string {
  return file.replace(/\.\d+$/, '');
}

/**
 * Receives whole files, each named: with the first name alone only that one comes, with rc 0. The server keeps them,
 * so whatever an earlier attempt left here is thrown away and asked for again.
 */
export async function receive(
  connection: Connection,
  { folder, files, work }: { readonly folder: string; readonly files: readonly Binlog[]; readonly work: Work },
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const program = {
    command: 'mariadb-binlog',
    args: [
      '--defaults-file=/dev/fd/3',
      '--read-from-remote-server',
      '--raw',
      `--result-file=${folder}/`,
      ...files.map(({ name }) => name),
    ],
    inputs: [optionFile(connection)],
    env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
    cwd: '/',
  };
  await runPipeline({ programs: [program], bytes: () => 0, phase: 'receiving binary logs', total: null, work });
  for (const { name, bytes } of files) {
    const { size } = await stat(path.join(folder, name));
    if (size === bytes) continue;
    throw new BackupError('failed', `Of ${name} ${size} bytes came, and the server has ${bytes}.`, {
      facts: { file: name, size, bytes },
    });
  }
}
