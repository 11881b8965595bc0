/** Loads a site: config file, this host's part in it, its secrets. */
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import path from 'node:path';
import { foldersOf, hostNames } from '../../model/config/hosts.ts';
import { withOwnSources } from '../../model/config/own-source.ts';
import { nearest } from '../../model/config/nearest.ts';
import { formatProblem, type LocatedProblem } from '../../model/config/problem.ts';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';
import { findConfigFile } from './find.ts';
import type { Environment } from './interpolate.ts';
import { parseConfig, type Parsed } from './parse.ts';
import { secretReader } from './secrets.ts';

export interface LoadOptions {
  /** The config file; looked for when absent. */
  readonly file?: string | undefined;
  /** Which of the site's hosts this is; found by itself where there is one, or where one has this machine's name. */
  readonly host?: string | undefined;
  readonly env?: Environment | undefined;
  readonly cwd?: string | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  /** Ends commands that are to print secrets. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws BackupError `config` with everything that is wrong in the file. */
export async function loadSite(options: LoadOptions = {}): Promise<Site> {
  const { env = process.env, cwd = process.cwd() } = options;
  const { file } = await findConfigFile({ file: options.file, env, cwd });
  const parsed = await readConfig(file, env);
  if (!parsed.ok) throw configError(file, parsed.problems);
  const { config } = parsed;
  // An empty variable, as in a file of the environment, says nothing.
  const host = thisHost(config, options.host ?? (env['MOSAIC_BACKUP_HOST'] || undefined), file);
  return {
    config: withOwnSources(config, path.resolve(cwd, file)),
    file,
    configDigest: parsed.digest,
    host,
    ...foldersOf(config, host),
    ...secretReader(env, options),
  };
}

/** @throws BackupError `config` when the file cannot be read. */
export async function readConfig(file: string, env: Environment): Promise<Parsed & { readonly digest: string }> {
  try {
    const text = await readFile(file, 'utf8');
    const digest = createHash('sha256').update(text).digest('hex');
    return { ...parseConfig(text, file, env), digest };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'cannot be read by this user'
          : `cannot be read (${code})`;
    throw new BackupError('config', `the config ${file} ${why}`, {
      remedy: 'Name another with -c FILE, or write one with `mosaic-backup init`.',
    });
  }
}

/** All problems of a config as one error. */
export function configError(file: string, problems: readonly LocatedProblem[]): BackupError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const lines = problems.map(formatProblem);
  return new BackupError('config', `${count} in the config:\n${lines.join('\n')}`, {
    remedy: 'Mend the file; `mosaic-backup config check` looks at it again.',
    facts: { file, problems: lines },
  });
}

function thisHost(config: SiteConfig, asked: string | undefined, file: string): string {
  const names = hostNames(config);
  if (asked !== undefined) {
    if (names.includes(asked)) return asked;
    const near = nearest(asked, names);
    throw new BackupError('config', `the site has no host "${asked}"`, {
      remedy: `${near ? `Did you mean "${near}"? ` : ''}${file} names: ${names.join(', ')}.`,
    });
  }
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return only;
  const own = names.find((name) => name === hostname() || name === hostname().split('.')[0]);
  if (own !== undefined) return own;
  throw new BackupError(
    'config',
    `which of the site's hosts this is cannot be told: this machine is called "${hostname()}"`,
    {
      remedy: `Say it with --host or MOSAIC_BACKUP_HOST: ${names.join(', ')}.`,
    },
  );
}
