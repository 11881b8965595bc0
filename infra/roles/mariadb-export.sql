-- An optional account, for sources with "export": mariadb-dump reads every database with it, for the logical exports of
-- weekly and monthly backups. Run it as root:
--   mariadb < infra/roles/mariadb-export.sql
-- By socket without a password only where the worker's user of the system is called mosaic_export; else:
--   ALTER USER mosaic_export@localhost IDENTIFIED BY '…';
CREATE USER IF NOT EXISTS mosaic_export@localhost IDENTIFIED VIA unix_socket;
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO mosaic_export@localhost;
