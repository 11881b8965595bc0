/** MariaDB servers that run on this machine. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { findByEndpoint } from './by-endpoint.ts';
import type { Endpoint, FoundByEndpoint } from './found.ts';

const CONFIGS = [
  '/etc/my.cnf',
  '/etc/mysql/my.cnf',
  '/etc/mysql/mariadb.cnf',
  '/etc/my.cnf.d',
  '/etc/mysql/mariadb.conf.d',
];

export async function findMariadb(
  only?: (at: Endpoint) => boolean,
  configs: readonly string[] = CONFIGS,
): Promise<readonly FoundByEndpoint[]> {
  const configured = await socketsOf(configs);
  return findByEndpoint(
    {
      type: 'mariadb',
      programs: ['mariadbd', 'mysqld'],
      usual: (at) => ('socket' in at ? isNamed(at.socket) || configured.has(at.socket) : at.port === 3306),
      say: '',
      // The greeting names the version: MySQL is another thing, and mariadb-backup reads its files wrongly.
      knows: (said) => said.includes('MariaDB'),
    },
    only,
  );
}

function isNamed(socket: string): boolean {
  return /(?:mysqld?|mariadbd?)\.sock$/.test(socket);
}

/** Sockets that configuration files name. Only what listens is looked at, so one too many does no harm. */
async function socketsOf(places: readonly string[]): Promise<ReadonlySet<string>> {
  const files = await Promise.all(places.map(filesIn));
  const texts = await Promise.all(files.flat().map((file) => readFile(file, 'utf8').catch(() => '')));
  const lines = texts.flatMap((text) => text.split('\n'));
  return new Set(lines.flatMap((line) => /^\s*socket\s*=\s*["']?(\/[^\s"'#]+)/.exec(line)?.[1] ?? []));
}

/** A file itself, or the .cnf files of a folder; nothing where it is not there. */
async function filesIn(place: string): Promise<readonly string[]> {
  const names = await readdir(place).catch(() => undefined);
  if (!names) return [place];
  return names.filter((name) => name.endsWith('.cnf')).map((name) => path.join(place, name));
}
