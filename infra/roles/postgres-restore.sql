-- An optional role for restores of an export into a new database of a running server (restore --into … --no-owner). It writes, so
-- it is none that a worker needs: make it when there is something to restore, and drop it afterwards. Run it as a superuser:
--   psql -d postgres -f postgres-restore.sql
--   REASSIGN OWNED BY mosaic_restore TO postgres; DROP ROLE mosaic_restore;   (in the restored database)
-- All that is restored belongs to it. With the owners and grants of the source, or into a database that is there: a superuser.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'mosaic_restore') THEN
    CREATE ROLE mosaic_restore;
  END IF;
END
$$;

ALTER ROLE mosaic_restore LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOREPLICATION NOBYPASSRLS;
