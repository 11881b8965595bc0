/** Free space where a server keeps its data: without it no save and no append-only file is written any more. */
import type { RedisSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import type { FreeSpace } from '../../../model/logs-run.ts';
import { formatBytes } from '../../../model/units.ts';
import { serverStands } from '../in-place/processes.ts';
import { spaceOfServer } from '../server-space.ts';
import type { SourceContext } from '../types.ts';
import { backupConnection } from './connection.ts';
import { gatherFacts, type Facts } from './facts.ts';
import { PROCESSES } from './in-place/processes.ts';

/** None where this host does not see the folder. */
export async function space({ config, readSecret, work }: SourceContext<RedisSource>): Promise<readonly FreeSpace[]> {
  if (config.folder !== undefined) return spaceOfServer([config.folder]);
  const { settings } = await gatherFacts({
    connection: await backupConnection(config, readSecret),
    signal: work.signal,
  });
  return spaceIn(config, settings);
}

/** The config says it, or the server does, whose process then stands in it: elsewhere the same path may be another one's. */
async function spaceIn(
  { folder }: Pick<RedisSource, 'folder'>,
  settings: Facts['settings'],
): Promise<readonly FreeSpace[]> {
  if (folder !== undefined) return spaceOfServer([folder]);
  if (settings?.dir === undefined || !(await serverStands(settings.dir, PROCESSES))) return [];
  return spaceOfServer([settings.dir]);
}

/** A save and a rewrite write about as much as the data take: with less than that free, the next one may fail. */
export async function spaceFindings(
  config: Pick<RedisSource, 'folder'>,
  { settings, memory }: Pick<Facts, 'settings' | 'memory'>,
  subject: string,
): Promise<readonly Finding[]> {
  const [found] = await spaceIn(config, settings);
  if (!found) {
    const message = 'free space where the server keeps its data is not seen from here: nobody is told when it fills up';
    const remedy =
      'Where the worker is on the host of the server, set "folder" of this source to its data folder (redis-cli CONFIG GET dir).';
    return [{ code: 'redis.space-unseen', severity: 'info', message, remedy, subject }];
  }
  const { path, free } = found;
  if (free >= memory) return [];
  const message = `${path} has ${formatBytes(free)} free, and the data take ${formatBytes(memory)}: the next save or rewrite may fail`;
  return [
    {
      code: 'redis.space',
      severity: 'warning',
      message,
      remedy: 'Free space there, or move it to a bigger disk.',
      subject,
    },
  ];
}
