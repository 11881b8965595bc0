import assert from 'node:assert/strict';
import type { Facts } from '../../../../activities/sources/mariadb/facts.ts';
import { backupProgramFindings, findingsOf } from '../../../../activities/sources/mariadb/findings.ts';
import { sameGtids, sequenceIn } from '../../../../activities/sources/mariadb/gtid.ts';

const GRANTS = [
  "GRANT RELOAD, PROCESS, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, BINLOG MONITOR, SHOW VIEW ON *.* TO `mosaic_backup`@`localhost` IDENTIFIED BY PASSWORD '*14E6'",
  'GRANT SELECT (`User`, `Host`) ON `mysql`.`global_priv` TO `mosaic_backup`@`localhost`',
  'GRANT SELECT (`name`, `db`, `status`) ON `mysql`.`event` TO `mosaic_backup`@`localhost`',
  'GRANT SELECT (`name`, `db`, `type`) ON `mysql`.`proc` TO `mosaic_backup`@`localhost`',
];

const GOOD: Facts = {
  version: '10.11.19-MariaDB-0+deb12u1-log',
  settings: {
    VERSION: '10.11.19-MariaDB-0+deb12u1-log',
    DATADIR: '/var/lib/mysql/',
    LOG_BIN: 'ON',
    BINLOG_FORMAT: 'ROW',
    SYNC_BINLOG: '1',
    GTID_STRICT_MODE: 'ON',
    INNODB_FLUSH_LOG_AT_TRX_COMMIT: '1',
    BINLOG_EXPIRE_LOGS_SECONDS: '864000',
    INNODB_DATA_HOME_DIR: '',
    INNODB_UNDO_DIRECTORY: './',
    INNODB_LOG_GROUP_HOME_DIR: './',
  },
  plugins: [],
  grants: GRANTS,
  lsn: '46600',
  gtid: '0-1-21',
  clock: '2026-11-23T02:00:00.000000Z',
};

const ACCOUNT = { user: 'mosaic_backup', method: 'physical', logs: true } as const;

function said(facts: Partial<Facts>): readonly string[] {
  return findingsOf({ ...GOOD, ...facts }, ACCOUNT, 'db')
    .filter(({ code }) => code !== 'mariadb.config-outside')
    .map(({ code, severity }) => `${severity} ${code}`);
}

describe('findings about a MariaDB server', () => {
  it('are none where all is as it should be', () => {
    assert.deepEqual(said({}), []);
  });

  it('refuse what is no MariaDB, and what is too old', () => {
    assert.deepEqual(said({ version: '8.0.36' }), ['error mariadb.version']);
    assert.deepEqual(said({ version: '10.5.23-MariaDB' }), ['error mariadb.version']);
    assert.deepEqual(said({ version: '11.4.2-MariaDB' }), []);
  });

  it('warn of an account that may do too much, and take ALL PRIVILEGES for enough', () => {
    const all = ['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION'];
    assert.deepEqual(said({ grants: all }), ['warning mariadb.privilege-excess']);
  });

  it('name every privilege that lacks, also where none is there', () => {
    const none = ['GRANT USAGE ON *.* TO `someone`@`%`'];
    const found = findingsOf({ ...GOOD, grants: none }, ACCOUNT, 'db').filter(({ severity }) => severity === 'error');
    assert.equal(found.length, 9);
    assert.equal(found[0]?.remedy, 'GRANT RELOAD ON *.* TO `someone`@`%`;');
  });

  it('say that encrypted data need keys, and that files lie elsewhere', () => {
    const plugins = [{ name: 'file_key_management', type: 'ENCRYPTION', library: 'file_key_management.so' }];
    assert.deepEqual(said({ plugins }), ['warning mariadb.encryption']);
    assert.deepEqual(said({ settings: { ...GOOD.settings, INNODB_UNDO_DIRECTORY: '/undo' } }), [
      'info mariadb.files-elsewhere',
    ]);
  });

  it('want mariadb-backup of the same series, and not older', () => {
    const codes = (installed: string) =>
      backupProgramFindings(GOOD, installed, 'db').map(({ code, severity }) => `${severity} ${code}`);
    assert.deepEqual(codes('10.11.19'), []);
    assert.deepEqual(codes('10.11.20'), []);
    assert.deepEqual(codes('10.11.6'), ['warning mariadb.programs-older']);
    assert.deepEqual(codes('11.4.2'), ['error mariadb.programs']);
    assert.deepEqual(codes('10.6.18'), ['error mariadb.programs']);
  });
});

describe('GTID positions', () => {
  it('are the same in any order of domains, and never in part', () => {
    assert.equal(sameGtids('0-1-5,1-2-7', '1-2-7, 0-1-5'), true);
    assert.equal(sameGtids('0-1-5', '0-1-5,1-2-7'), false);
    assert.equal(sameGtids('', '0-1-5'), false);
    assert.equal(sameGtids('', ''), true);
  });

  it('tell the last number of a domain', () => {
    assert.equal(sequenceIn('0-1-5,1-2-18446744073709551615', '1'), 18446744073709551615n);
    assert.equal(sequenceIn('0-1-5', '7'), 0n);
  });
});
