/** Findings from facts: what stops a capture, what a restore would lack, and the literal remedy of each. Pure. */
import path from 'node:path';
import type { Finding } from '../../../model/finding.ts';
import type { Facts } from './facts.ts';
import { OLDEST } from './facts.ts';

type Found = Omit<Finding, 'subject'>;

/** Senders that a capture and the shipping of logs need together, with one to spare. */
const SENDERS = 3;

/** Everything that one look at the server tells. */
export function findingsOf(facts: Facts, subject: string): readonly Finding[] {
  const found = [
    ...standing(facts),
    ...privileges(facts),
    ...durability(facts),
    ...capacity(facts),
    ...collations(facts),
    ...musl(facts),
    ...layout(facts),
  ];
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject }));
}

function standing({ versionNumber, settings, inRecovery }: Facts): readonly Found[] {
  const found: Found[] = [];
  if (versionNumber < OLDEST) {
    found.push({
      code: 'postgres.version',
      severity: 'error',
      message: `PostgreSQL ${settings.server_version ?? versionNumber} is too old: its backups cannot be verified`,
      remedy: 'Upgrade the server to version 14 or newer.',
    });
  }
  if (inRecovery) {
    found.push({
      code: 'postgres.in-recovery',
      severity: 'error',
      message:
        'the server is a standby or still recovers: it cannot switch WAL, and its backup would trail the primary',
      remedy: 'Point connection.host at the primary, or promote this server: SELECT pg_promote();',
    });
  }
  return found;
}

function privileges({ role, replication, superuser, monitor }: Facts): readonly Found[] {
  const found: Found[] = [];
  const name = identifier(role);
  if (!replication && !superuser) {
    found.push({
      code: 'postgres.role-replication',
      severity: 'error',
      message: `role ${name} may not take base backups`,
      remedy: `ALTER ROLE ${name} REPLICATION;`,
    });
  }
  if (!monitor) {
    found.push({
      code: 'postgres.role-monitor',
      severity: 'error',
      message: `role ${name} cannot see the server's settings and sizes`,
      remedy: `GRANT pg_monitor TO ${name};`,
    });
  }
  if (superuser) {
    found.push({
      code: 'postgres.role-superuser',
      severity: 'warning',
      message: `role ${name} is a superuser, and a backup needs far less`,
      remedy: 'Create the role of infra/roles/postgres.sql and set connection.user to mosaic_backup.',
    });
  }
  return found;
}

function durability({ settings }: Facts): readonly Found[] {
  const found: Found[] = [];
  if (settings.wal_level === 'minimal') {
    found.push({
      code: 'postgres.wal-level',
      severity: 'error',
      message: 'wal_level is minimal: no base backup can be taken',
      remedy: 'ALTER SYSTEM SET wal_level = replica; and restart the server.',
    });
  }
  for (const name of ['fsync', 'full_page_writes'] as const) {
    if (settings[name] !== 'off') continue;
    found.push({
      code: `postgres.${name.replaceAll('_', '-')}`,
      severity: 'error',
      message: `${name} is off: what is read from the disk may be torn`,
      remedy: `ALTER SYSTEM SET ${name} = on; SELECT pg_reload_conf();`,
    });
  }
  if (settings.data_checksums === 'off') {
    found.push({
      code: 'postgres.checksums',
      severity: 'warning',
      message: 'data checksums are off: a damaged page is backed up without anybody noticing',
      remedy: `Stop the server, run "pg_checksums --enable -D ${settings.data_directory ?? 'DATA_FOLDER'}", start it again.`,
    });
  }
  return found;
}

function capacity({ settings, sendersUsed, slotsUsed, tablespaces }: Facts): readonly Found[] {
  const found: Found[] = [];
  const senders = Number(settings.max_wal_senders ?? SENDERS);
  const needed = tablespaces.length > 0 ? 2 : 1;
  if (senders < SENDERS) {
    found.push({
      code: 'postgres.wal-senders',
      severity: 'error',
      message: `max_wal_senders is ${senders}, and backups with the shipping of logs need ${SENDERS}`,
      remedy: 'ALTER SYSTEM SET max_wal_senders = 10; and restart the server.',
    });
  } else if (senders - sendersUsed < needed) {
    found.push({
      code: 'postgres.wal-senders-free',
      severity: 'error',
      message: `all of the ${senders} WAL senders are in use`,
      remedy: `ALTER SYSTEM SET max_wal_senders = ${senders + 5}; and restart the server.`,
    });
  }
  const slots = Number(settings.max_replication_slots ?? 1);
  if (slots - slotsUsed < 1) {
    found.push({
      code: 'postgres.slots-free',
      severity: 'error',
      message: `all of the ${slots} replication slots are in use: nothing would keep the WAL that a backup needs`,
      remedy: `ALTER SYSTEM SET max_replication_slots = ${slots + 5}; and restart the server; or drop one that nobody uses: SELECT slot_name FROM pg_replication_slots WHERE NOT active; SELECT pg_drop_replication_slot('NAME');`,
    });
  }
  return found;
}

/** For a source that wants incrementals: what it lacks for them. Where the server's version has none, nothing is said. */
export function findingsOfIncrementals({ settings, versionNumber }: Facts, subject: string): readonly Finding[] {
  if (versionNumber < 170000 || settings.summarize_wal !== 'off') return [];
  return [
    {
      code: 'postgres.summarize-wal',
      severity: 'info',
      message: 'every backup is a full: incrementals need WAL summaries, and summarize_wal is off',
      remedy:
        'ALTER SYSTEM SET summarize_wal = on; SELECT pg_reload_conf(); Or set "incrementals: 0" on the source, for fulls only.',
      subject,
    },
  ];
}

function collations({ databases }: Facts): readonly Found[] {
  const changed = databases.filter(
    ({ collationVersion, actualVersion }) => collationVersion !== null && collationVersion !== actualVersion,
  );
  return changed.map(({ name, collationVersion, actualVersion }) => ({
    code: 'postgres.collation-version',
    severity: 'warning',
    message: `text indexes of database ${name} were sorted by collation version ${collationVersion}, the server has ${actualVersion}: they may be damaged`,
    remedy: `In database ${name}: REINDEX DATABASE ${identifier(name)}; ALTER DATABASE ${identifier(name)} REFRESH COLLATION VERSION;`,
  }));
}

function musl({ build }: Facts): readonly Found[] {
  if (!/-musl\b/.test(build)) return [];
  return [
    {
      code: 'postgres.musl',
      severity: 'warning',
      message:
        'the server is built with musl (an Alpine image), which sorts text otherwise than glibc does: under a server with glibc, indexes of a restored copy are wrong',
      remedy:
        "Restore it under the image that the manifest's engine.image names; elsewhere REINDEX every database before anybody uses it.",
    },
  ];
}

function layout({ settings, tablespaces, databases, role }: Facts): readonly Found[] {
  const found: Found[] = [];
  const { config_file: config, data_directory: data } = settings;
  if (config !== undefined && data !== undefined && path.relative(data, config).startsWith('..')) {
    found.push({
      code: 'postgres.config-outside',
      severity: 'warning',
      message: `the server's configuration lies outside its data folder, so a base backup does not hold it: ${config}`,
      remedy: `Add ${path.dirname(config)} to the paths of a files source.`,
    });
  }
  if (tablespaces.length > 0) {
    const list = tablespaces.map(({ name, location }) => `${name} (${location})`).join(', ');
    found.push({
      code: 'postgres.tablespaces',
      severity: 'info',
      message: `with tablespaces a base backup cannot be streamed; it passes through the spool in state: ${list}`,
      remedy: null,
    });
  }
  for (const { name } of databases.filter(({ allowsConnections, mayConnect }) => allowsConnections && !mayConnect)) {
    found.push({
      code: 'postgres.connect',
      severity: 'warning',
      message: `role ${identifier(role)} may not connect to database ${name}: its relations and extensions are not listed, and unlogged tables in it stay unseen`,
      remedy: `GRANT CONNECT ON DATABASE ${identifier(name)} TO ${identifier(role)};`,
    });
  }
  return found;
}

/** A name as SQL wants it, quoted where it must be. */
export function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
