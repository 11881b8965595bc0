/** What of this host's own files is really backed up: those that are there, and none that holds an identity. */
import { readFile, realpath, stat } from 'node:fs/promises';
import type { FilesSource, SourceConfig } from '../../model/config/source.ts';
import { isOwnSource } from '../../model/config/own-source.ts';
import type { Warning } from '../../model/manifest.ts';
import type { Site } from '../site.ts';
import { ifThere, translated } from '../storage/fs-errors.ts';
import { sourceConfig } from './source-config.ts';

export interface Prepared {
  readonly config: SourceConfig;
  /** What was left out, and why. */
  readonly warnings: readonly Warning[];
}

/** The config of a source as it is captured: of the host's own the files that are there now. */
export async function preparedSource(site: Site, source: string): Promise<Prepared> {
  const config = sourceConfig(site, source);
  if (!isOwnSource(source) || config.type !== 'files') return { config, warnings: [] };
  return ownFiles(site, config);
}

async function ownFiles(site: Site, config: FilesSource): Promise<Prepared> {
  const paths: string[] = [];
  const warnings: Warning[] = [];
  const identity = await identityFile(site);
  for (const path of config.paths) {
    const file = await translated(path, 'looking at a file of this host', () => ifThere(realpath(path)));
    const found = file === undefined ? undefined : await ifThere(stat(file));
    // Another host's, or one that `doctor` misses: what is there is worth a backup all the same.
    if (file === undefined || !found?.isFile()) continue;
    if (identity !== undefined && identity.dev === found.dev && identity.ino === found.ino) {
      warnings.push(leftOut(path, 'it is the file of the identity'));
    } else if (await holdsIdentity(file)) {
      warnings.push(leftOut(path, 'it holds an age identity'));
    } else {
      // A link is kept as a link: what it points at is kept beside it.
      paths.push(path, ...(file === path ? [] : [file]));
    }
  }
  return { config: { ...config, paths: [...new Set(paths)] }, warnings };
}

async function identityFile({ config }: Site) {
  const { identity } = config.encryption;
  return identity !== undefined && 'file' in identity ? ifThere(stat(identity.file)) : undefined;
}

/** As text, wherever in it: in a comment, in a larger file. */
async function holdsIdentity(file: string): Promise<boolean> {
  const text = await translated(file, 'looking for identities', () => readFile(file, 'latin1'));
  return /AGE-SECRET-KEY-(?:PQ-)?1/i.test(text);
}

function leftOut(path: string, why: string): Warning {
  return {
    code: 'own.identity',
    message: `${path} is not backed up: ${why}, which would lie beside what it opens (keep identities in a file of their own, named by encryption.identity alone)`,
    partial: false,
    paths: [path],
  };
}
