-- An optional account for restores of one database or table into a running server (restore --into). It writes, so it is none
-- that a worker needs: make it when there is something to restore, and drop it afterwards. Run it as root:
--   mariadb < infra/roles/mariadb-restore.sql
--   DROP USER mosaic_restore@localhost;
-- By socket without a password only where the user of the system is called mosaic_restore; else:
--   ALTER USER mosaic_restore@localhost IDENTIFIED BY '…';
CREATE USER IF NOT EXISTS mosaic_restore@localhost IDENTIFIED VIA unix_socket;

-- Databases, tables, views, routines, triggers and events, and their rows. SET USER: they belong to whom they belonged. SUPER:
-- functions and triggers, where the server writes a binary log (unless log_bin_trust_function_creators is on).
GRANT SELECT, INSERT, CREATE, DROP, ALTER, INDEX, REFERENCES, LOCK TABLES, CREATE VIEW, SHOW VIEW, CREATE ROUTINE,
      ALTER ROUTINE, EXECUTE, TRIGGER, EVENT, SET USER, SUPER ON *.* TO mosaic_restore@localhost;
