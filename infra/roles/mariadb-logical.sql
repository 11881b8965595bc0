-- More for the backup account, only where a source says "method: logical": mariadb-dump reads every table. Run it as
-- root, after mariadb.sql:
--   mariadb < infra/roles/mariadb-logical.sql
GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO mosaic_backup@localhost;
