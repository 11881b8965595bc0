-- An optional second account, for sources with "check": it reads every table, so that the rows of a restore can be
-- compared with the source's by count and checksum. Without it that is said to be not compared. Run it as root:
--   mariadb < infra/roles/mariadb-check.sql
-- By socket without a password only where the worker's user of the system is called mosaic_check; else:
--   ALTER USER mosaic_check@localhost IDENTIFIED BY '…';
CREATE USER IF NOT EXISTS mosaic_check@localhost IDENTIFIED VIA unix_socket;
GRANT SELECT ON *.* TO mosaic_check@localhost;
