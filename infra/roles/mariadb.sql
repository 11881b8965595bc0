-- The account that takes backups with mariadb-backup, with no more than that needs. Run it as root, once or again:
--   mariadb < infra/roles/mariadb.sql
-- It reads no row of a user table and no password hash.
--
-- Made like this it is only let in by socket, when the user of the system that the worker runs as is called
-- mosaic_backup too. Any other worker needs a password; set it in the client, where it goes into no shell history:
--   ALTER USER mosaic_backup@localhost IDENTIFIED BY '…';
-- Over TCP the account bears the worker's address: RENAME USER mosaic_backup@localhost TO mosaic_backup@'10.0.0.5';
CREATE USER IF NOT EXISTS mosaic_backup@localhost IDENTIFIED VIA unix_socket;

-- What mariadb-backup itself needs: BACKUP STAGE and FLUSH, the state of InnoDB, and the position in the binlogs.
-- Without BINLOG MONITOR it fails only after it has read everything.
GRANT RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR ON *.* TO mosaic_backup@localhost;

-- What the inventory needs. Names of databases, and of tables and views: SHOW VIEW lets them be listed, and no row
-- of any be read. Names of accounts, routines and events: single columns of system tables, none with a hash or a body.
GRANT SHOW DATABASES, SHOW VIEW ON *.* TO mosaic_backup@localhost;
GRANT SELECT (Host, User) ON mysql.global_priv TO mosaic_backup@localhost;
GRANT SELECT (db, name, type) ON mysql.proc TO mosaic_backup@localhost;
GRANT SELECT (db, name, status) ON mysql.event TO mosaic_backup@localhost;

-- The shipping of binary logs reads them as a replica does. Leave it out where "logs" is off: it shows all changes.
GRANT REPLICATION SLAVE ON *.* TO mosaic_backup@localhost;
