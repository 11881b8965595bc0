/** The server's data folder, as this host sees it: for methods that read its files. */
import { access, constants, stat } from 'node:fs/promises';
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Finding } from '../../../model/finding.ts';
import type { Settings } from './facts.ts';

/** The folder of the config, else what the server says. Undefined where neither tells. */
export function dataFolder(config: Pick<RedisSource, 'folder'>, settings: Settings | undefined): string | undefined {
  return config.folder ?? settings?.dir;
}

/** @throws BackupError `config` where nobody tells it. */
export function requireFolder(config: Pick<RedisSource, 'folder'>, settings: Settings | undefined): string {
  const folder = dataFolder(config, settings);
  if (folder !== undefined) return folder;
  throw new BackupError('config', "The server's data folder is not known", { remedy: SAY_IT });
}

const SAY_IT = 'Set "folder" of this source to the data folder (redis-cli CONFIG GET dir) as this host sees it.';

/** What stands in the way of reading the folder. */
export async function folderFindings(
  config: Pick<RedisSource, 'folder' | 'method'>,
  settings: Settings | undefined,
  subject: string,
): Promise<readonly Finding[]> {
  if (config.method === 'stream') return [];
  const folder = dataFolder(config, settings);
  const finding = { code: 'redis.folder', severity: 'error', subject } as const;
  if (folder === undefined) return [{ ...finding, message: "the server's data folder is not known", remedy: SAY_IT }];
  try {
    if (!(await stat(folder)).isDirectory()) throw new Error('it is no folder');
    await access(folder, constants.R_OK | constants.X_OK);
    return [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [
      {
        ...finding,
        message: `the server's data folder ${folder} cannot be read from here: ${why}`,
        remedy: `Run the worker on the server's host, as a user that may read it; where the server runs in a container, set "folder" to its place on this host; or choose method: stream.`,
      },
    ];
  }
}
