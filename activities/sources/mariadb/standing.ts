/** How a server stands that writes binary logs: free space where its data and its logs lie. */
import path from 'node:path';
import { z } from 'zod';
import type { MariadbSource } from '../../../model/config/source.ts';
import type { ServerStanding } from '../../../model/logs-run.ts';
import { spaceOfServer } from '../server-space.ts';
import type { LogsSource } from '../types.ts';
import { backupConnection } from './connection.ts';
import { rows } from './session.ts';

const folders = z.object({ data: z.string(), logs: z.string().nullable() });

/**
 * The same path may be another server's where this one runs elsewhere: a physical backup needs its folder here, and
 * else it must at least have its socket here.
 */
export async function standing({ config, readSecret, work }: LogsSource<MariadbSource>): Promise<ServerStanding> {
  if (config.method !== 'physical' && config.connection.host !== undefined) return { space: [], slot: null };
  const connection = await backupConnection(config, readSecret);
  const sql = "SELECT JSON_OBJECT('data', @@GLOBAL.datadir, 'logs', @@GLOBAL.log_bin_basename)";
  const [found] = await rows(connection, folders, sql, { signal: work.signal });
  if (!found) throw new TypeError('a query for one row gave none');
  const logs = found.logs === null ? [] : [path.dirname(found.logs)];
  return { space: await spaceOfServer([found.data, ...logs]), slot: null };
}
