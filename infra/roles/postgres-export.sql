-- An optional third role, for sources with "export": pg_dump reads every database with it, for the logical exports of
-- weekly and monthly backups. Run it as a superuser, and once more after a database was made that PUBLIC may not
-- connect to:
--   psql -d postgres -f postgres-export.sql

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mosaic_export') THEN
    CREATE ROLE mosaic_export;
  END IF;
END
$$;

-- BYPASSRLS: without it pg_dump fails at the first table with row security.
ALTER ROLE mosaic_export LOGIN BYPASSRLS NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
-- Every table, and the hashes of passwords for the export of roles.
GRANT pg_read_all_data TO mosaic_export;
-- It only ever reads, whatever it calls.
ALTER ROLE mosaic_export SET default_transaction_read_only = on;

DO $$
DECLARE
  database name;
BEGIN
  FOR database IN
    SELECT datname FROM pg_catalog.pg_database
     WHERE datallowconn AND NOT pg_catalog.has_database_privilege('mosaic_export', oid, 'CONNECT')
  LOOP
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO mosaic_export', database);
  END LOOP;
END
$$;

-- Large objects belong to whoever made them, and pg_read_all_data does not reach them. Only where there are some, in
-- each database that has them, and again after new ones were made:
--   DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP
--     EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO mosaic_export', o); END LOOP; END $$;
-- Or once for all, also for writing by this role: ALTER ROLE mosaic_export SET lo_compat_privileges = on;
