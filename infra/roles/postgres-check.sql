-- An optional second role, for sources with "check": it reads every table, so that the rows of a restore can be
-- compared with the source's by count and digest. Without it that is said to be not compared. Run as a superuser:
--   psql -d postgres -f postgres-check.sql

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mosaic_check') THEN
    CREATE ROLE mosaic_check;
  END IF;
END
$$;

-- BYPASSRLS: tables with row security count too. With NOBYPASSRLS they are named as not compared.
ALTER ROLE mosaic_check LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
GRANT pg_read_all_data TO mosaic_check;
-- It only ever reads, whatever it calls.
ALTER ROLE mosaic_check SET default_transaction_read_only = on;

DO $$
DECLARE
  database name;
BEGIN
  FOR database IN
    SELECT datname FROM pg_catalog.pg_database
     WHERE datallowconn AND NOT pg_catalog.has_database_privilege('mosaic_check', oid, 'CONNECT')
  LOOP
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO mosaic_check', database);
  END LOOP;
END
$$;
