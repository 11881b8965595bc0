/** Findings about the shipping of logs: what would keep them from it, and the literal remedy of each. Pure. */
import type { Finding } from '../../../model/finding.ts';
import type { Facts } from './facts.ts';
import { identifier } from './findings.ts';
import type { Archiver } from './logs/archiver.ts';

type Found = Omit<Finding, 'subject'>;

/** For a source whose logs are shipped: what would keep them from it. */
export function findingsOfLogs({ settings, slotsUsed, role, marks }: Facts, subject: string): readonly Finding[] {
  const found: Found[] = [...rights(marks, role)];
  if (settings.max_slot_wal_keep_size === '-1') {
    found.push({
      code: 'postgres.slot-limit',
      severity: 'warning',
      message:
        'max_slot_wal_keep_size is -1, so no logs are shipped: while they cannot be, the slot would keep WAL until the disk is full',
      remedy: `ALTER SYSTEM SET max_slot_wal_keep_size = '20GB'; SELECT pg_reload_conf(); with as much as the disk of pg_wal can spare. Or "logs: { enabled: false }".`,
    });
  }
  const slots = Number(settings.max_replication_slots ?? 2);
  if (slots - slotsUsed === 1) {
    found.push({
      code: 'postgres.slots-few',
      severity: 'warning',
      message: `one of the ${slots} replication slots is free; a backup and the shipping of logs need one each`,
      remedy: `ALTER SYSTEM SET max_replication_slots = ${slots + 5}; and restart the server.`,
    });
  }
  const idle = settings.idle_replication_slot_timeout;
  if (idle !== undefined && idle !== '0') {
    found.push({
      code: 'postgres.slot-timeout',
      severity: 'warning',
      message: `idle_replication_slot_timeout is ${idle} s: a longer pause of the shipping loses its slot, and a hole is in the logs`,
      remedy: 'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();',
    });
  }
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject }));
}

export interface SpoolFacts {
  readonly facts: Facts;
  readonly archiver: Archiver;
  readonly spool: string;
  /** Whether this host sees the folder. */
  readonly isThere: boolean;
}

/** For a source whose logs are shipped out of a spool. */
export function findingsOfSpool(
  { facts: { marks, role }, archiver, spool, isThere }: SpoolFacts,
  subject: string,
): readonly Finding[] {
  const found: Found[] = [...rights(marks, role)];
  if (!isThere) {
    found.push({
      code: 'postgres.spool',
      severity: 'warning',
      message: `the spool ${spool} is not there, so no logs are shipped`,
      remedy: 'Mount it, or make it and let the server write into it.',
    });
  }
  if (archiver.mode === 'off') {
    found.push({
      code: 'postgres.archive-mode',
      severity: 'warning',
      message: 'archive_mode is off, so nothing comes into the spool and no logs are shipped',
      remedy:
        'ALTER SYSTEM SET archive_mode = on; and restart the server; or remove logs.spool, to ship through a slot.',
    });
  } else if (archiver.failing) {
    found.push({
      code: 'postgres.archive-failing',
      severity: 'warning',
      message: `archive_command fails on ${archiver.failed}: the server keeps all WAL since, without a limit, and no logs are shipped`,
      remedy: `The server's log says why. See whether ${spool} may be written by the server, and has room.`,
    });
  }
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject }));
}

function rights(marks: boolean, role: string): readonly Found[] {
  if (marks) return [];
  const functions = 'pg_switch_wal(), pg_create_restore_point(text)';
  return [
    {
      code: 'postgres.role-logs',
      severity: 'warning',
      message: `role ${identifier(role)} may not close WAL segments, so no logs are shipped`,
      remedy: `In the database that connection.database names: GRANT EXECUTE ON FUNCTION ${functions} TO ${identifier(role)};`,
    },
  ];
}
