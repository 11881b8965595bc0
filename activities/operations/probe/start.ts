/** What runs on restored data: the private server of a database, or what the config's `start` says of files. */
import { mkdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { SourceConfig } from '../../../model/config/source.ts';
import type { StartConfig } from '../../../model/config/start.ts';
import { BackupError } from '../../../model/errors.ts';
import { adapterFor } from '../../sources/index.ts';
import { startProcess, type ServerProcess } from '../../sources/private-server/process.ts';
import type { Sandbox } from '../../sources/private-server/sandbox.ts';
import type { Service } from '../../sources/service.ts';
import type { BackupReader } from '../../sources/types.ts';
import { childrenOf, isAtWork } from '../../streams/children.ts';
import { locate } from '../../streams/locate.ts';
import type { Work } from '../../work.ts';
import { filledIn } from './command.ts';
import { lookingArguments, ownProcesses, wholly } from './sandboxed.ts';

const POLL = 20;

export interface ServeRequest {
  readonly source: string;
  readonly config: SourceConfig;
  /** Full first. */
  readonly chain: readonly BackupReader[];
  readonly restored: string;
  /** An empty folder for sockets, logs and the like. */
  readonly scratch: string;
  /** Where the server of a database runs, as in its restore; absent: as a process of this machine. */
  readonly sandbox?: Sandbox;
  readonly work: Work;
}

/** Whether anything of a source runs that could be asked. */
export function isServed(config: SourceConfig): boolean {
  return adapterFor(config.type).serve !== undefined || ('start' in config && config.start !== undefined);
}

/**
 * Brings up what can be asked; null where the source has nothing that runs.
 * @throws BackupError `refused` where this machine cannot, `program-failed` where it does not start.
 */
export async function serveRestored(request: ServeRequest): Promise<Service | null> {
  const { config, restored, scratch, work } = request;
  const adapter = adapterFor(config.type);
  if (adapter.serve) return adapter.serve(request);
  if (!('start' in config) || config.start === undefined) return null;
  return startOn({ start: config.start, restored, scratch, work });
}

interface StartRequest extends Pick<ServeRequest, 'restored' | 'scratch' | 'work'> {
  readonly start: StartConfig;
}

/** It runs in a network of its own, and may write to the restored folder where root without rights may. @throws BackupError `refused`. */
async function startOn({ start, restored, scratch, work }: StartRequest): Promise<Service> {
  const folder = path.join(scratch, 'started');
  await mkdir(folder);
  // Node asks inside: see http.ts.
  const programs = [path.dirname(process.execPath)];
  const enclosed = { writable: [restored, folder], programs, loopback: true };
  const { privileges } = await wholly(enclosed);
  const command = filledIn(start.command, restored);
  const child = await startProcess({
    command: [...ownProcesses(), ...(await lookingArguments(restored, null)), ...privileges, '--', ...command],
    user: undefined,
    log: path.join(scratch, 'started.log'),
    deathSignal: 'KILL',
    env: { ...start.env, TMPDIR: folder, HOME: folder },
    enclosed,
  });
  await untilInside(child, work);
  return {
    command,
    env: {},
    inside: {
      prefix: [locate('nsenter'), `--target=${child.pid}`, ...ofUsers(), '--net', '--mount', '--'],
      privileges,
    },
    running: child.running,
    ask: () => Promise.reject(new BackupError('refused', 'it is no database that could be asked')),
    newest: () => Promise.resolve([]),
    stop: () => endAll(child),
  };
}

/** Its first process ends when the one that holds it does, and all others with it: what it works in is removed next. */
async function endAll({ pid, end }: ServerProcess): Promise<void> {
  let inside: readonly number[] = [];
  try {
    inside = await childrenOf(pid);
  } finally {
    await end('SIGKILL');
  }
  for (const one of inside) while (await isAtWork(one)) await wait(POLL);
}

/** Who comes earlier would get into the network of the worker, and ask production. It has its processes to itself last of all. */
async function untilInside({ pid, running }: ServerProcess, { signal }: Work): Promise<void> {
  const ours = await readlink('/proc/self/ns/pid');
  const theirs = () => readlink(`/proc/${pid}/ns/pid_for_children`).catch(() => ours);
  while (running() && (await theirs()) === ours) await wait(POLL, undefined, { signal });
}

function ofUsers(): readonly string[] {
  return process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
}
