/**
 * What sources that ship their logs no longer have left on their servers: a slot makes its server keep WAL that nobody
 * fetches. It is removed by the next tick on the host that made it.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../model/errors.ts';
import { SOURCE_TYPES } from '../../model/source.ts';
import { logsOf } from '../sources/index.ts';
import type { LeftOnServer, LogsAdapter } from '../sources/types.ts';
import type { Site } from '../site.ts';
import { ifThere } from '../storage/fs-errors.ts';
import type { Work } from '../work.ts';
import { bounded } from './bounded.ts';
import { shipsLogs } from './ship-logs.ts';

export interface Left extends LeftOnServer {
  readonly source: string;
}

/** Milliseconds for each: it keeps no other source from its shipping. */
const RELEASING = 10_000;

/** All that is left, by this host's state alone. */
export async function leftOnServers(site: Site): Promise<readonly Left[]> {
  return (await found(site)).map(({ source, left: { what, remedy } }) => ({ source, what, remedy }));
}

/** Removes it. What fails stays on record, is tried again by the next tick, and is shown by `doctor`. */
export async function releaseRemoved(site: Site, work: Work): Promise<void> {
  const { readSecret } = site;
  for (const { source, state, logs, left } of await found(site)) {
    try {
      const what = `removing ${left.what}`;
      await bounded({ what, limit: RELEASING, work }, async ({ signal }) =>
        logs.release?.({ state, readSecret, signal }),
      );
      work.log.info({ source, what: left.what }, 'removed what a source left on its server');
    } catch (error) {
      if (work.signal.aborted || !(error instanceof BackupError)) throw error;
      work.log.warn(
        { source, what: left.what, error: error.message },
        'what a source left on its server is still there',
      );
    }
  }
}

interface Found {
  readonly source: string;
  readonly state: string;
  readonly logs: LogsAdapter;
  readonly left: LeftOnServer;
}

async function found({ config, state: root }: Site): Promise<readonly Found[]> {
  const folder = path.join(root, 'sources');
  const names = (await ifThere(readdir(folder))) ?? [];
  const removed = names.filter((name) => {
    const source = config.sources[name];
    return source === undefined || !shipsLogs(source);
  });
  const all = SOURCE_TYPES.flatMap((type) => logsOf(type) ?? []);
  const looked = removed.flatMap((source) =>
    all.map(async (logs) => {
      const state = path.join(folder, source);
      const left = await logs.leftOnServer?.({ state });
      return left ? [{ source, state, logs, left }] : [];
    }),
  );
  return (await Promise.all(looked)).flat();
}
