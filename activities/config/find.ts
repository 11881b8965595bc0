/** Which config file counts. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import type { Environment } from './interpolate.ts';

export const SYSTEM_CONFIG = '/etc/mosaic-backup/config.yaml';
export const LOCAL_CONFIG = 'mosaic-backup.yaml';

export interface FoundConfig {
  /** Absolute. */
  readonly file: string;
  /** Why this one: said with -v. */
  readonly because: string;
}

export interface Search {
  /** What `-c` says. */
  readonly file?: string | undefined;
  readonly env: Environment;
  /** The current folder. */
  readonly cwd: string;
}

/**
 * The config file by `-c`, $MOSAIC_BACKUP_CONFIG, ./mosaic-backup.yaml, /etc/mosaic-backup/config.yaml, in this order.
 * @throws BackupError `config` when there is none.
 */
export async function findConfigFile({ file, env, cwd }: Search): Promise<FoundConfig> {
  if (file !== undefined) return { file: path.resolve(cwd, file), because: 'named by -c' };
  const variable = env['MOSAIC_BACKUP_CONFIG'];
  if (variable) return { file: path.resolve(cwd, variable), because: 'named by MOSAIC_BACKUP_CONFIG' };
  const local = path.join(cwd, LOCAL_CONFIG);
  if (await exists(local)) return { file: local, because: 'found in the current folder' };
  if (await exists(SYSTEM_CONFIG)) return { file: SYSTEM_CONFIG, because: 'the one of this machine' };
  throw new BackupError('config', `there is no config: neither ${local} nor ${SYSTEM_CONFIG} exists`, {
    remedy: 'Name one with -c FILE, or write one with `mosaic-backup init`.',
  });
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    // One that is there but closed to us is found, so that reading it says why.
    return !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'));
  }
}
