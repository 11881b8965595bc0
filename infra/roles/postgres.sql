-- The role that takes base backups, with no more than that needs. Run it as a superuser, once or again, and once
-- more after a database was made that PUBLIC may not connect to:
--   psql -d postgres -f postgres.sql
-- It reads no user table. Who may log in as it is said in pg_hba.conf: see postgres-pg_hba.conf beside this file.
-- A password is needed for TCP only; set it in psql, where it goes into no log: \password mosaic_backup

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mosaic_backup') THEN
    CREATE ROLE mosaic_backup;
  END IF;
END
$$;

-- REPLICATION: base backups, and the slot that keeps the WAL they need.
ALTER ROLE mosaic_backup LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;

-- Settings that only an administrator sees, and sizes.
GRANT pg_monitor TO mosaic_backup;

-- The shipping of logs closes a WAL segment and marks the place.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_switch_wal() TO mosaic_backup;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_create_restore_point(text) TO mosaic_backup;

-- Names of relations, extensions and unlogged tables are seen from within each database.
DO $$
DECLARE
  database name;
BEGIN
  FOR database IN
    SELECT datname FROM pg_catalog.pg_database
     WHERE datallowconn AND NOT pg_catalog.has_database_privilege('mosaic_backup', oid, 'CONNECT')
  LOOP
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO mosaic_backup', database);
  END LOOP;
END
$$;
