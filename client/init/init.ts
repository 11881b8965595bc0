/** Makes a config and keys from what runs on this machine. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseConfig } from '../../activities/config/parse.ts';
import { ifThere, translated } from '../../activities/storage/fs-errors.ts';
import { NAME } from '../../model/source.ts';
import { formatProblem } from '../../model/config/problem.ts';
import { BackupError } from '../../model/errors.ts';
import { writeIdentity, writeSigningKey } from './keys.ts';
import type { FoundServer } from './found.ts';
import { findServers } from './servers.ts';
import { findStacks } from './stacks.ts';
import { configText, sourceNames, type NewConfig } from './text.ts';

export interface InitOptions {
  /** The config file to make. */
  readonly file: string;
  readonly cwd: string;
  readonly site?: string | undefined;
  readonly repository?: string | undefined;
  readonly state?: string | undefined;
  readonly destination?: string | undefined;
  /** Folders to back up instead of those found. */
  readonly folders?: readonly string[] | undefined;
  /** Instead of looking for them. */
  readonly servers?: readonly FoundServer[] | undefined;
  readonly dryRun: boolean;
}

export interface Initialised {
  readonly file: string;
  readonly text: string;
  readonly files: { readonly identity: string; readonly second: string; readonly signing: string };
  readonly sources: readonly string[];
  readonly servers: readonly FoundServer[];
  readonly destination: string | null;
}

/** @throws BackupError `refused` when any of the files is there already; then nothing is changed. */
export async function initialise(options: InitOptions): Promise<Initialised> {
  const folder = path.dirname(options.file);
  const files = {
    identity: path.join(folder, 'identity.txt'),
    second: path.join(folder, 'identity-second.txt'),
    signing: path.join(folder, 'signing.pem'),
  };
  await refuseExisting([options.file, ...Object.values(files)]);
  const found = await lookAround(options);
  const draft = {
    ...found,
    ...placesOf(options),
    identityFile: files.identity,
    signingFile: files.signing,
    secretFiles: [files.identity, files.second, files.signing],
  };
  const result = {
    file: options.file,
    files,
    sources: sourceNames(draft),
    servers: draft.servers,
    destination: draft.destination,
  };
  if (options.dryRun) return { ...result, text: configText({ ...draft, ...PLACEHOLDERS }) };

  await translated(folder, 'making the folder of the config', () => mkdir(folder, { recursive: true, mode: 0o700 }));
  const recipients = [await writeIdentity(files.identity), await writeIdentity(files.second)] as const;
  const text = configText({ ...draft, recipients, publicKey: await writeSigningKey(files.signing) });
  requireGood(text, options.file);
  await translated(options.file, 'writing the config', () =>
    writeFile(options.file, text, { mode: 0o600, flag: 'wx', flush: true }),
  );
  return { ...result, text };
}

/** What stands for keys that a dry run does not make. */
const PLACEHOLDERS = { recipients: ['age1…', 'age1…'], publicKey: '…' } as const;

async function lookAround({ cwd, folders, servers }: InitOptions): Promise<Pick<NewConfig, 'servers' | 'folders'>> {
  const [databases, stacks] = await Promise.all([servers ?? findServers(), folders ?? findStacks(cwd)]);
  // There is always something: a config without sources would back up nothing.
  return { servers: databases, folders: databases.length === 0 && stacks.length === 0 ? ['/etc'] : stacks };
}

function placesOf(options: InitOptions): Pick<NewConfig, 'site' | 'host' | 'repository' | 'state' | 'destination'> {
  const host = nameOr(hostname().split('.')[0] ?? '', 'local');
  const root = process.getuid?.() === 0;
  const own = process.env['HOME'] ?? options.cwd;
  const absolute = (folder: string) => path.resolve(options.cwd, folder);
  return {
    site: options.site ?? host,
    host,
    repository: absolute(options.repository ?? (root ? '/opt/mosaic/backups' : path.join(own, 'mosaic-backups'))),
    state: absolute(options.state ?? (root ? '/var/lib/mosaic-backup' : path.join(own, '.local/state/mosaic-backup'))),
    destination: options.destination === undefined ? null : absolute(options.destination),
  };
}

function nameOr(name: string, otherwise: string): string {
  return NAME.test(name) ? name : otherwise;
}

async function refuseExisting(files: readonly string[]): Promise<void> {
  const there = await Promise.all(
    files.map(async (file) => ((await translated(file, 'looking for', () => ifThere(stat(file)))) ? [file] : [])),
  );
  const existing = there.flat();
  if (existing.length === 0) return;
  throw new BackupError(
    'refused',
    `${existing.join(', ')} ${existing.length === 1 ? 'exists' : 'exist'} already, and init overwrites nothing. Nothing was changed.`,
    {
      remedy:
        'Name another config with -c FILE (its keys go beside it), or go on with the one that is there: mosaic-backup doctor.',
      facts: { existing },
    },
  );
}

/** What init writes is held to what everybody writes: a folder inside another, a name that is none. */
function requireGood(text: string, file: string): void {
  const parsed = parseConfig(text, file, {});
  if (parsed.ok) return;
  throw new BackupError(
    'config',
    `the config for this machine would be wrong:\n${parsed.problems.map(formatProblem).join('\n')}`,
    {
      remedy: 'Choose other folders with --repository, --state, --destination or --folder.',
    },
  );
}
