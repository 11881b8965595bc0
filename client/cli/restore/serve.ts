/** `restore … --serve`: a private server on what was restored, until ^C. */
import { chmod, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openChain } from '../../../activities/operations/restore.ts';
import { adapterFor } from '../../../activities/sources/index.ts';
import type { Service } from '../../../activities/sources/service.ts';
import { withScratch } from '../../../activities/storage/scratch.ts';
import { runProgram } from '../../../activities/streams/run.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SourceType } from '../../../model/source.ts';
import { openPlace } from '../../backups/places.ts';
import type { Cli } from '../context.ts';
import { placeOption } from '../place-option.ts';
import type { FolderPlan } from './plan.ts';

/** Before anything is fetched. @throws BackupError `usage`, `config`. */
export async function requireServed(cli: Cli, { newest: { type, source } }: FolderPlan): Promise<void> {
  if (!adapterFor(type).serve)
    throw new BackupError('usage', `--serve is for databases: a backup of type ${type} has no server.`, {
      remedy: 'Leave it out.',
    });
  const { config, file } = await cli.site();
  if (config.sources[source]?.type === type) return;
  throw new BackupError('config', `${file} has no source "${source}" of type ${type}: how it is served is not known`, {
    remedy: 'Name it there, as it was; or leave --serve out and start a server of your own on what was restored.',
  });
}

/** Starts it, calls `ready`, and waits for ^C. @throws BackupError `refused`, `program-failed`; where the server ends by itself. */
export async function serveUntilInterrupted(
  cli: Cli,
  { newest, chosen, to }: FolderPlan,
  from: string,
  ready: (service: Service) => void,
): Promise<void> {
  const site = await cli.site();
  const config = site.config.sources[newest.source];
  const adapter = adapterFor(newest.type);
  if (!config) throw new TypeError('looked at before');
  cli.interrupt.says('The server is stopped …');
  const { store } = await openPlace(site, placeOption(from) ?? null);
  // A server that is up is stopped in its own way, and not with the command.
  const starting = new AbortController();
  const abort = (): void => starting.abort(cli.signal.reason);
  cli.signal.addEventListener('abort', abort, { once: true });
  const work = { ...(await cli.work()), signal: starting.signal };
  const chain = await openChain({ site, store, chain: chosen.chain, work });
  await withScratch(path.dirname(to), '.mosaic-serve-', async (folder) => {
    // The server's user passes through.
    await chmod(folder, 0o711);
    const scratch = path.join(folder, 'run');
    await mkdir(scratch, { mode: 0o711 });
    try {
      const service = await adapter.serve?.({ source: newest.source, config, chain, restored: to, scratch, work });
      if (!service) throw new TypeError('looked at before');
      cli.signal.removeEventListener('abort', abort);
      try {
        ready(service);
        await ended(service, cli.signal);
      } finally {
        await service.stop();
      }
    } finally {
      // A private server waits for no disk, since what it works on is thrown away: not here.
      await runProgram({ command: 'sync', args: ['-f', to] });
    }
  });
}

const LOOK = 500;

async function ended(service: Service, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (!service.running())
      throw new BackupError('program-failed', 'the private server has ended by itself', {
        remedy: 'Start it again: its data are where they were restored to.',
      });
    await pause(LOOK, undefined, { signal }).catch(() => undefined);
  }
}

/** How a program reaches it, in the words of a shell. */
export function serviceText(type: SourceType, { command, env }: Service): string {
  const variables = Object.entries(env).map(([name, value]) => `  export ${name}='${value.replaceAll("'", "'\\''")}'`);
  const client = CLIENTS[type];
  return [
    `served by: ${command.join(' ')}`,
    'Reach it in another shell; it is cut off from every network where this machine allows that, and ends with ^C here:',
    ...variables,
    ...(client === undefined ? [] : [`  ${client}`]),
  ].join('\n');
}

/** What an operator types then. */
const CLIENTS: Readonly<Partial<Record<SourceType, string>>> = {
  postgres: 'psql',
  mariadb: 'mariadb --socket="$MYSQL_UNIX_PORT"',
  redis: 'redis-cli -s "$REDIS_SOCKET"',
};
