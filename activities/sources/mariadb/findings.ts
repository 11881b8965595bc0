/** Findings from facts: what stops a capture, what a restore would lack, and the literal remedy of each. Pure. */
import type { Finding } from '../../../model/finding.ts';
import { compareVersions, OLDEST, releaseOf, seriesOf, type Facts, type SettingName } from './facts.ts';
import { lacking, tooMuch } from './privileges.ts';

type Found = Omit<Finding, 'subject'>;

export interface Account {
  /** The account of the config. */
  readonly user: string;
  readonly method: 'physical' | 'logical';
  /** Whether its binary logs are shipped. */
  readonly logs: boolean;
}

/** Everything that one look at the server tells. */
export function findingsOf(facts: Facts, account: Account, subject: string): readonly Finding[] {
  const found = [
    ...version(facts),
    ...privileges(facts, account),
    ...binlog(facts),
    ...durability(facts),
    ...plugins(facts, account),
    ...layout(facts, account),
  ];
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject }));
}

/** mariadb-backup reads InnoDB's files by itself, so it must be of the server's own series. */
export function backupProgramFindings(facts: Facts, installed: string, subject: string): readonly Finding[] {
  if (seriesOf(installed) !== seriesOf(facts.version)) {
    return [
      {
        code: 'mariadb.programs',
        severity: 'error',
        message: `mariadb-backup is of version ${installed}, and the server is ${releaseOf(facts.version)}: another series writes other files`,
        remedy: `Install mariadb-backup ${seriesOf(facts.version)} (from mariadb.org where the distribution lacks it), or set "method: logical".`,
        subject,
      },
    ];
  }
  if (compareVersions(installed, facts.version) >= 0) return [];
  return [
    {
      code: 'mariadb.programs-older',
      severity: 'warning',
      message: `mariadb-backup ${releaseOf(installed)} is older than the server, ${releaseOf(facts.version)}`,
      remedy: 'apt-get install --only-upgrade mariadb-backup',
      subject,
    },
  ];
}

function version({ version }: Facts): readonly Found[] {
  const found: Found[] = [];
  if (!version.includes('MariaDB')) {
    found.push({
      code: 'mariadb.version',
      severity: 'error',
      message: `the server is no MariaDB: ${version}`,
      remedy: 'Point the connection at a MariaDB server.',
    });
  } else if (compareVersions(version, OLDEST.join('.')) < 0) {
    found.push({
      code: 'mariadb.version',
      severity: 'error',
      message: `MariaDB ${releaseOf(version)} is too old for this program`,
      remedy: `Upgrade the server to ${OLDEST.join('.')} or newer.`,
    });
  }
  return found;
}

function privileges({ grants }: Facts, account: Account): readonly Found[] {
  const found: Found[] = lacking(grants, account).map(({ what, why, grant }) => ({
    code: 'mariadb.privilege',
    severity: 'error',
    message: `account ${account.user} lacks ${what}: ${why}`,
    remedy: grant,
  }));
  const excess = tooMuch(grants, account.method);
  if (excess !== undefined) {
    found.push({
      code: 'mariadb.privilege-excess',
      severity: 'warning',
      message: `account ${account.user} has ${excess}, and a backup needs far less`,
      remedy: 'Make the account of infra/roles/mariadb.sql and set connection.user to mosaic_backup.',
    });
  }
  return found;
}

interface Wanted {
  readonly name: SettingName;
  readonly good: readonly string[];
  readonly why: string;
  readonly remedy: string;
}

const BINLOG: readonly Wanted[] = [
  {
    name: 'BINLOG_FORMAT',
    good: ['ROW'],
    why: 'statements may do something else when they are replayed',
    remedy: 'SET GLOBAL binlog_format = ROW; and the same in the [mariadbd] section of the configuration.',
  },
  {
    name: 'SYNC_BINLOG',
    good: ['1'],
    why: 'a crash of the machine may lose committed transactions from the binary log',
    remedy: 'SET GLOBAL sync_binlog = 1; and the same in the [mariadbd] section of the configuration.',
  },
  {
    name: 'GTID_STRICT_MODE',
    good: ['ON', '1'],
    why: 'the same GTID may stand for two transactions, and a recovery to it would be a guess',
    remedy: 'SET GLOBAL gtid_strict_mode = ON; and the same in the [mariadbd] section of the configuration.',
  },
];

/** Nothing between two backups can be restored without binary logs; the backups themselves are good without. */
function binlog({ settings }: Facts): readonly Found[] {
  if (settings.LOG_BIN !== 'ON' && settings.LOG_BIN !== '1') {
    return [
      {
        code: 'mariadb.log-bin',
        severity: 'warning',
        message: 'log_bin is off: nothing that happens between two backups can be restored',
        remedy:
          'Put log_bin, binlog_format = ROW and gtid_strict_mode = ON into the [mariadbd] section of the configuration, and restart the server.',
      },
    ];
  }
  return [...unlike(settings, BINLOG), ...expiry(settings)];
}

/** Logs that go before they are shipped are a hole. A day is what a failing shipping may take to be noticed and mended. */
const EXPIRY_SECONDS = 86_400;

function expiry({ BINLOG_EXPIRE_LOGS_SECONDS: text }: Facts['settings']): readonly Found[] {
  const seconds = Number(text ?? 0);
  if (seconds === 0 || seconds >= EXPIRY_SECONDS) return [];
  return [
    {
      code: 'mariadb.binlog-expiry',
      severity: 'warning',
      message: `binary logs are removed after ${seconds} s: when shipping stands for so long, there is a hole`,
      remedy:
        'SET GLOBAL binlog_expire_logs_seconds = 604800; and the same in the [mariadbd] section of the configuration.',
    },
  ];
}

function durability({ settings }: Facts): readonly Found[] {
  return unlike(settings, [
    {
      name: 'INNODB_FLUSH_LOG_AT_TRX_COMMIT',
      good: ['1', '3'],
      why: 'a crash may lose committed transactions that the binary log has',
      remedy:
        'SET GLOBAL innodb_flush_log_at_trx_commit = 1; and the same in the [mariadbd] section of the configuration.',
    },
  ]);
}

function unlike(settings: Facts['settings'], wanted: readonly Wanted[]): readonly Found[] {
  return wanted.flatMap(({ name, good, why, remedy }) => {
    const value = settings[name];
    if (value === undefined || good.includes(value.toUpperCase())) return [];
    const setting = name.toLowerCase();
    return [
      {
        code: `mariadb.${setting.replaceAll('_', '-')}`,
        severity: 'warning' as const,
        message: `${setting} is ${value}: ${why}`,
        remedy,
      },
    ];
  });
}

function plugins({ plugins }: Facts, { method }: Account): readonly Found[] {
  const encryption = plugins.filter(({ type }) => type === 'ENCRYPTION').map(({ name }) => name);
  if (encryption.length === 0 || method === 'logical') return [];
  return [
    {
      code: 'mariadb.encryption',
      severity: 'warning',
      message: `data are encrypted by the plugin ${encryption.join(', ')}: a backup of them opens only with the server's keys, which are not in it`,
      remedy:
        'Add the files of its keys (file_key_management_filename and the like) to a files source, and keep a copy elsewhere.',
    },
  ];
}

function layout({ settings }: Facts, { method }: Account): readonly Found[] {
  const found: Found[] = [
    {
      code: 'mariadb.config-outside',
      severity: 'info',
      message: "the server's configuration lies outside its data folder, so a backup does not hold it",
      remedy: 'Add /etc/mysql (or wherever my.cnf is) to the paths of a files source.',
    },
  ];
  const elsewhere = (['INNODB_DATA_HOME_DIR', 'INNODB_UNDO_DIRECTORY', 'INNODB_LOG_GROUP_HOME_DIR'] as const).filter(
    (name) => isElsewhere(settings[name], settings.DATADIR ?? ''),
  );
  if (method === 'physical' && elsewhere.length > 0) {
    found.push({
      code: 'mariadb.files-elsewhere',
      severity: 'info',
      message: `${elsewhere.map((name) => `${name.toLowerCase()} is ${settings[name]}`).join(', ')}: a restore has those files in its data folder`,
      remedy: 'After a restore, move them to where the configuration says, or take the settings out.',
    });
  }
  return found;
}

function isElsewhere(folder: string | undefined, datadir: string): boolean {
  if (folder === undefined || folder === '' || folder === '.' || folder === './') return false;
  return `${folder.replace(/\/+$/, '')}/` !== `${datadir.replace(/\/+$/, '')}/`;
}
