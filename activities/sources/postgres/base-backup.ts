/** pg_basebackup: its arguments, and what its messages tell of the backup's position. */
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Limits, Program } from '../../streams/types.ts';
import { clientProgram, type Client } from './client-program.ts';
import type { Connection } from './connection.ts';

/** Where in the WAL a backup begins and ends. Replay must reach `endLsn` before the data are consistent. */
export interface Position {
  readonly timeline: number;
  readonly startLsn: string;
  readonly endLsn: string;
}

export interface BaseBackup {
  readonly client: Client;
  readonly connection: Connection;
  /** Written into backup_label. */
  readonly label: string;
  readonly limits: Limits;
  readonly onStderr: (line: string) => void;
  /** The parent's backup_manifest: only what changed since that backup is read. */
  readonly incremental?: string | undefined;
}

const COMMON = ['--format=tar', '--checkpoint=fast', '--manifest-checksums=SHA256', '--verbose', '--no-password'];

/** The whole backup on stdout, with WAL and manifest in it. Refused by pg_basebackup where tablespaces are. */
export function streamed(backup: BaseBackup): readonly Program[] {
  const { client, incremental } = backup;
  const args = ['--pgdata=-', '--wal-method=fetch'];
  if (!client.inside || incremental === undefined) return [program(backup, args)];
  // In the server's container the parent's manifest is not there: it comes by the pipe.
  const parent = { command: 'cat', args: ['--', incremental] };
  return [parent, program({ ...backup, incremental: '/dev/stdin' }, args, true)];
}

/** One tar a tablespace, WAL and manifest in a folder of their own. The bracket's slot keeps the WAL. */
export function spooled(backup: BaseBackup, folder: string): Program {
  // Not synced: what is spooled is read once and wiped.
  return program(backup, [`--pgdata=${folder}`, '--wal-method=stream', '--no-slot', '--no-sync', '--progress']);
}

function program(backup: BaseBackup, args: readonly string[], input = false): Program {
  const { client, connection, label, limits, onStderr, incremental } = backup;
  const since = incremental === undefined ? [] : [`--incremental=${incremental}`];
  return clientProgram({
    client,
    connection,
    program: 'pg_basebackup',
    args: [...args, ...COMMON, ...since, `--label=${label}`, ...maxRate(limits)],
    application: 'mosaic-backup',
    onStderr,
    input,
  });
}

/** In kilobytes a second; 32 kB to 1 GB are allowed. */
function maxRate({ maxRate: bytes }: Limits): readonly string[] {
  if (bytes === undefined) return [];
  return [`--max-rate=${Math.min(1024 * 1024, Math.max(32, Math.floor(bytes / 1024)))}k`];
}

/**
 * Collects the position from the verbose messages. They print the two rows that the server itself answers to
 * BASE_BACKUP; backup_label and backup_manifest, which hold the same, are inside the encrypted stream by then.
 * A restore compares the two.
 */
export function positionReader(): { readonly onStderr: (line: string) => void; readonly position: () => Position } {
  let start: { readonly lsn: string; readonly timeline: number } | undefined;
  let end: string | undefined;
  return {
    onStderr(line) {
      const begins = /write-ahead log start point: ([0-9A-F]+\/[0-9A-F]+) on timeline (\d+)/.exec(line);
      if (begins?.[1]) start = { lsn: begins[1], timeline: Number(begins[2]) };
      const ends = /write-ahead log end point: ([0-9A-F]+\/[0-9A-F]+)/.exec(line);
      if (ends?.[1]) end = ends[1];
    },
    position() {
      if (start && end && lsnNumber(end) >= lsnNumber(start.lsn)) {
        return { timeline: start.timeline, startLsn: start.lsn, endLsn: end };
      }
      throw new BackupError('failed', 'pg_basebackup did not say where in the WAL the backup begins and ends', {
        remedy: 'Look at the version of pg_basebackup; report this with the output of "pg_basebackup --version".',
        facts: { startLsn: start?.lsn ?? null, endLsn: end ?? null },
      });
    },
  };
}

/** `0/2000028`, as manifests hold it. */
export const lsn = z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/);

/** The same as a number that compares. */
export function lsnNumber(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
