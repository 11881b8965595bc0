/** Where a program is. Looked up before anything starts, so that a missing one is named with its package. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { BackupError } from '../../model/errors.ts';

/** Debian packages of the programs that streams and sources call. */
const PACKAGES: Readonly<Record<string, string>> = {
  age: 'age',
  zstd: 'zstd',
  perl: 'perl-base',
  tar: 'tar',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  ionice: 'util-linux',
  nice: 'coreutils',
  getfacl: 'acl',
  setfacl: 'acl',
  getfattr: 'attr',
  setfattr: 'attr',
  psql: 'postgresql-client',
  pg_basebackup: 'postgresql-client',
  pg_dump: 'postgresql-client',
  pg_dumpall: 'postgresql-client',
  pg_amcheck: 'postgresql-client',
  pg_verifybackup: 'postgresql-client',
  pg_receivewal: 'postgresql-client',
  pg_ctl: 'postgresql',
  postgres: 'postgresql',
  mariadb: 'mariadb-client',
  'mariadb-backup': 'mariadb-backup',
  mbstream: 'mariadb-backup',
  'mariadb-dump': 'mariadb-client',
  'mariadb-check': 'mariadb-client',
  'mariadb-binlog': 'mariadb-client',
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  'redis-cli': 'redis-tools',
  'redis-check-rdb': 'redis-tools',
  'redis-check-aof': 'redis-tools',
  'redis-server': 'redis-server',
  rsync: 'rsync',
  ssh: 'openssh-client',
  docker: 'docker.io',
  git: 'git',
};

/**
 * The path of a program, from PATH (that of `env` where it sets one) unless it is a path already.
 * Fails with `missing-program`, and the Debian package that has it.
 */
export function locate(command: string, env?: Readonly<Record<string, string | undefined>>): string {
  if (command.includes('/')) {
    if (isAbsolute(command) && isExecutable(command)) return command;
    throw missing(command, isAbsolute(command) ? `${command} is not an executable file` : `${command} is not absolute`);
  }
  const path = env?.['PATH'] ?? process.env['PATH'] ?? '/usr/bin:/bin';
  // Administrators' programs are not on every user's PATH.
  const folders = [...path.split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
  for (const folder of folders) {
    const candidate = join(folder, command);
    if (isExecutable(candidate)) return candidate;
  }
  throw missing(command, `The program ${command} was not found`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason, it cannot be started from here.
    return false;
  }
}

function missing(command: string, what: string): BackupError {
  const name = command.slice(command.lastIndexOf('/') + 1);
  const debian = Object.hasOwn(PACKAGES, name) ? PACKAGES[name] : undefined;
  return new BackupError('missing-program', `${what}.`, {
    remedy: debian
      ? `Install it: apt-get install ${debian}`
      : `Install ${name}, or put its folder on the PATH of the worker.`,
    facts: { program: command, package: debian ?? null },
  });
}
