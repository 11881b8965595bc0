/** The config that init writes: commented, and as short as the defaults allow. */
import path from 'node:path';
import { isWithin } from '../../model/config/folders.ts';
import type { FoundServer } from './found.ts';
import { quote } from './quote.ts';
import { serverText } from './source-text.ts';

export interface NewConfig {
  readonly site: string;
  readonly host: string;
  readonly repository: string;
  readonly state: string;
  readonly recipients: readonly [string, string];
  readonly identityFile: string;
  readonly signingFile: string;
  readonly publicKey: string;
  readonly servers: readonly FoundServer[];
  /** Folders with compose files; `/etc` where nothing else was found. */
  readonly folders: readonly string[];
  /** Folder of the first further copy; null while none is known. */
  readonly destination: string | null;
  /** Files that no source may take along. */
  readonly secretFiles: readonly string[];
}

export function configText(config: NewConfig): string {
  const { site, host, repository, state, recipients, identityFile, signingFile, publicKey } = config;
  return `# Config of mosaic-backup. After each change: mosaic-backup config check && mosaic-backup doctor
# All keys and their defaults: mosaic-backup config show, mosaic-backup config schema

site: ${quote(site)}
hosts:
  ${quote(host)}: {}

# Copy 1: the local folder of backups. Best on another disk than the data.
repository: ${quote(repository)}
# The program's working memory. Nothing that exists nowhere else.
state: ${quote(state)}

encryption:
  # Any one of these opens every backup. Two at least, kept in different places.
  recipients:
    - ${quote(recipients[0])} # its identity is below, on this machine
    - ${quote(recipients[1])} # its identity belongs elsewhere
  # Needed where restores run. A host that only backs up does without.
  identity: { file: ${quote(identityFile)} }

signing:
  key: { file: ${quote(signingFile)} }
  # Whose backups are believed: the public key of each host.
  trusted: [${quote(publicKey)}]

sources:
${sourcesText(config)}
${destinationsText(config)}
# Plans run by the strategy's timetable, in UTC: mosaic-backup schedules apply --dry-run. Another zone is timeZone: Europe/Berlin; other
# times, waits and deadlines can be set under plans.
`;
}

/** Names of sources, in the order of the config. */
export function sourceNames({ servers, folders }: Pick<NewConfig, 'servers' | 'folders'>): readonly string[] {
  const wanted = [
    ...servers.map((server, index) => {
      const first = servers.findIndex(({ type }) => type === server.type) === index;
      const port = 'port' in server ? server.port : 'port' in server.at ? server.at.port : index + 1;
      return first ? server.type : `${server.type}-${port}`;
    }),
    ...folders.map((folder) => folder.split('/').findLast((part) => part !== '') ?? 'root'),
  ];
  const used = new Set<string>(['apps', 'system', 'latest']);
  return wanted.map((name) => {
    const plain =
      name
        .replaceAll(/[^A-Za-z0-9._-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 50) || 'folder';
    let unique = plain;
    for (let number = 2; used.has(unique.toLowerCase()); number += 1) unique = `${plain}-${number}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}

function sourcesText(config: NewConfig): string {
  const names = sourceNames(config);
  const servers = config.servers.map((server, index) =>
    serverText(server, names[index] ?? '', passwordFile(config, names[index] ?? '')),
  );
  const folders = config.folders.map((folder, index) => {
    const exclude = excludesOf(folder, config);
    return `  ${quote(names[config.servers.length + index] ?? '')}:
    type: files
    group: configs
    paths: [${quote(folder)}]
${exclude.length > 0 ? `    # Keys and backups are never part of a backup.\n    exclude: [${exclude.map(quote).join(', ')}]\n` : ''}    # Files that may change while they are read, such as logs: volatile: ["*.log"]
    objectives: { rpo: 26h } # a daily one, and two hours to make it
`;
  });
  return [...servers, ...folders].join('');
}

/** Where the password of a source's account is to lie: beside the keys. */
function passwordFile({ identityFile }: NewConfig, name: string): string {
  return path.join(path.dirname(identityFile), `${name}.password`);
}

function excludesOf(folder: string, config: NewConfig): readonly string[] {
  const { repository, state, destination, secretFiles, servers } = config;
  const places = [repository, state, ...(destination === null ? [] : [destination])];
  const names = sourceNames(config);
  const passwords = servers.flatMap(({ type }, index) =>
    type === 'postgres' ? [] : [passwordFile(config, names[index] ?? '')],
  );
  return [...places, ...secretFiles, ...passwords].filter((place) => isWithin(place, folder));
}

function destinationsText({ destination }: NewConfig): string {
  if (destination !== null) {
    return `# Further copies: three in all, on two devices, one of them off-site ("offsite: true").
destinations:
  vault: { type: directory, path: ${quote(destination)} }
`;
  }
  return `# Further copies: three in all, on two devices, one of them off-site. Until there are, "status" says so.
# destinations:
#   vault: { type: directory, path: /mnt/vault }
#   elsewhere: { type: directory, path: /mnt/remote, offsite: true }
`;
}
