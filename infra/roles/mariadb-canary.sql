-- An optional account, for sources with "canary": it writes the time into one table of its own, so that a drill sees how
-- new the data are that come back. It reads and writes nothing else. Run it as root:
--   mariadb < infra/roles/mariadb-canary.sql
-- By socket without a password only where the worker's user of the system is called mosaic_canary; else:
--   ALTER USER mosaic_canary@localhost IDENTIFIED BY '…';
CREATE DATABASE IF NOT EXISTS mosaic_backup_canary;
-- UTC, whatever the time zone of a session.
CREATE TABLE IF NOT EXISTS mosaic_backup_canary.beats (at datetime(6) PRIMARY KEY) ENGINE = InnoDB;
CREATE USER IF NOT EXISTS mosaic_canary@localhost IDENTIFIED VIA unix_socket;
-- What is older than a day is deleted, which takes reading.
GRANT SELECT, INSERT, DELETE ON mosaic_backup_canary.beats TO mosaic_canary@localhost;
