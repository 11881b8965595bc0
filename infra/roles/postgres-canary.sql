-- An optional role, for sources with "canary": it writes the time into one table of its own, so that a drill sees how
-- new the data are that come back. It reads and writes nothing else. Run as a superuser, in the database that the
-- source's connection names:
--   psql -d postgres -f postgres-canary.sql

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mosaic_canary') THEN
    CREATE ROLE mosaic_canary;
  END IF;
END
$$;

ALTER ROLE mosaic_canary LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT CONNECTION LIMIT 3;

-- They belong to whoever runs this, so that the role can change nothing about them.
CREATE SCHEMA IF NOT EXISTS mosaic_backup_canary;
CREATE TABLE IF NOT EXISTS mosaic_backup_canary.beats (
  at timestamptz PRIMARY KEY DEFAULT pg_catalog.clock_timestamp()
);
REVOKE ALL ON SCHEMA mosaic_backup_canary FROM PUBLIC;
REVOKE ALL ON mosaic_backup_canary.beats FROM PUBLIC;

GRANT USAGE ON SCHEMA mosaic_backup_canary TO mosaic_canary;
-- What is older than a day is deleted, which takes reading.
GRANT SELECT, INSERT, DELETE ON mosaic_backup_canary.beats TO mosaic_canary;

DO $$
BEGIN
  IF NOT pg_catalog.has_database_privilege('mosaic_canary', pg_catalog.current_database(), 'CONNECT') THEN
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO mosaic_canary', pg_catalog.current_database());
  END IF;
END
$$;
