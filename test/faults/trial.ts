/** One scenario's own site: sources, repository, state and destination in a folder of its own, and processes that belong to it. */
import { glob, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { loadSite } from '../../activities/config/load.ts';
import type { Site } from '../../activities/site.ts';
import type { SiteInput } from '../../model/config/site.ts';
import { temporaryFolder } from '../support/folders.ts';
import { makeSite } from '../support/site.ts';
import { until } from '../support/until.ts';
import {
  atPoint,
  runCommand,
  startCommand,
  type CommandOptions,
  type CommandProcess,
  type SignalPoint,
} from '../support/worker-process.ts';
import type { Lab } from './lab.ts';
import { startRunOf, type Run } from './run.ts';
import { wholeSeconds } from '../../model/time.ts';

export type SourceName = 'stack' | 'db' | 'wiki' | 'cache';

export interface TrialOptions {
  readonly lab: Lab;
  /** `stack` are files, `db` is PostgreSQL, `wiki` MariaDB, `cache` Redis. */
  readonly sources: readonly SourceName[];
  /** Anything of a config. */
  readonly site?: Partial<SiteInput>;
}

/** Milliseconds: as many runs as a trial may have, a second each; and how long before it the first is, within what counts as now. */
const OWN_TIMES = 20_000;
const BEFORE = 45 * 60_000;
let taken = 0;

/** Milliseconds since the epoch: the time of a trial's first run. */
function ownTimes(): number {
  return (taken = Math.max(taken + OWN_TIMES, Date.now() - BEFORE));
}

export interface Trial {
  readonly lab: Lab;
  /** Of its site. */
  readonly name: string;
  readonly sources: readonly SourceName[];
  readonly folder: string;
  /** The config file. */
  readonly file: string;
  /** What the source `stack` reads. */
  readonly data: string;
  readonly repository: string;
  readonly state: string;
  readonly vault: string;
  /** Identity file. */
  readonly identity: string;
  /** The site as its config says now. */
  site(): Promise<Site>;
  /** The scheduled time of the trial's run of this number. No two trials share one: Temporal is shared. */
  time(number: number): string;
  /** Changes the config: each step reads it anew. */
  configure(change: (config: SiteInput) => SiteInput): Promise<void>;
  /**
   * Starts a worker, which sends itself a signal at the point if there is one.
   * @param address of Temporal, where it is another than the lab's own: that of a proxy.
   */
  worker(point?: SignalPoint, address?: string): Promise<CommandProcess>;
  /** Starts a worker with something of its own in its environment. */
  workerWith(env: Readonly<Record<string, string>>): Promise<CommandProcess>;
  /** Starts a worker with a module that it loads first, and its environment. */
  stepWorker(preload: string, env: Readonly<Record<string, string>>): Promise<CommandProcess>;
  /** Waits until a worker is at its point: dead, or stopped there. */
  at(worker: CommandProcess, point: SignalPoint): Promise<void>;
  /** Starts the daily run of this number. */
  run(number?: number): Promise<Run>;
  /** Starts the tick of this number, which ships logs. */
  tick(number: number): Promise<Run>;
  /** Runs a command of the command line. */
  command(...args: readonly string[]): Promise<Awaited<ReturnType<typeof runCommand>>>;
  /** Starts a command of the command line. */
  start(...args: readonly string[]): CommandProcess;
  /** Everything that the trial's processes have printed. */
  printed(): string;
  /** Ends all of the trial's processes. */
  end(): Promise<void>;
}

/** Short enough for a test, long enough for a busy machine. */
const WAITS = {
  captureDeadline: '120s',
  copyDeadline: '60s',
  verifyDeadline: '60s',
  retryFirst: '100ms',
  retryMax: '500ms',
  heartbeat: '2s',
  standstill: '20s',
  busy: '30s',
};

/** As those of a run, but a tick waits for nobody. */
const LOGS_WAITS = { workerDeadline: '5s', retryFirst: '100ms', heartbeat: '2s', standstill: '20s', busy: '0s' };

export async function openTrial({ lab, sources, site = {} }: TrialOptions): Promise<Trial> {
  const folder = await temporaryFolder({ onDisk: true });
  const times = ownTimes();
  const number = lab.next();
  const name = `trial-${number}`;
  const data = path.join(folder, 'stack');
  await fillStack(data);
  const configs: Readonly<Record<SourceName, SiteInput['sources'][string]>> = {
    stack: { type: 'files', paths: [data] },
    db: { type: 'postgres', connection: { host: lab.postgres.socket, port: lab.postgres.port } },
    wiki: lab.mariadb.config(),
    cache: lab.redis.config(),
  };
  const made = await makeSite({
    folder,
    site: name,
    sources: Object.fromEntries(sources.map((source) => [source, configs[source]])),
    temporal: { address: lab.temporal.address },
    plans: { daily: WAITS, logs: LOGS_WAITS },
    ...site,
  });
  const { file, identities } = made;
  const reached = path.join(folder, 'reached');
  const processes: CommandProcess[] = [];
  // The many processes of these tests share what Node has compiled: each starts in half the time.
  const compiled = { NODE_COMPILE_CACHE: lab.compiled };
  const openSite = () => loadSite({ file });
  const { repository, state } = made.site;

  function start(args: readonly string[], more: Partial<CommandOptions> = {}, config = file): CommandProcess {
    const { env, ...rest } = more;
    const command = { args: ['-c', config, ...args], owner: folder, env: { ...compiled, ...env } };
    const started = startCommand({ ...command, ...rest });
    processes.push(started);
    return started;
  }
  function time(count: number): string {
    return wholeSeconds(times + count * 1000);
  }

  const vault = site.destinations?.['vault'];
  return {
    lab,
    name,
    sources,
    folder,
    file,
    data,
    repository,
    state,
    vault: vault?.type === 'directory' ? vault.path : path.join(folder, 'vault'),
    identity: identities[0],
    site: openSite,
    time,
    async configure(change) {
      const config: SiteInput = parse(await readFile(file, 'utf8'));
      await writeFile(file, stringify(change(config)));
    },
    async worker(point, address) {
      const at = point ? { point, reached } : {};
      const worker = start(['worker'], at, address === undefined ? file : await withAddress(file, address));
      await worker.printed('serves');
      return worker;
    },
    async workerWith(env) {
      const worker = start(['worker'], { env });
      await worker.printed('serves');
      return worker;
    },
    async stepWorker(preload, env) {
      const worker = start(['worker'], { env, preload });
      await until('it serves, or has died', () => worker.output().includes('serves') || !worker.running(), 60_000);
      return worker;
    },
    at: (worker, point) => atPoint(worker, point, reached),
    run: (count = 0) => startRunOf(lab.temporal, { site: name, plan: 'daily', scheduled: time(count) }),
    tick: (count) => startRunOf(lab.temporal, { site: name, plan: 'logs', scheduled: time(count) }),
    command: (...args) => runCommand({ args: ['-c', file, ...args], owner: folder, env: compiled }),
    start: (...args) => start(args),
    printed: () => processes.map((process) => process.output()).join('\n'),
    async end() {
      await Promise.all(processes.filter((process) => process.running()).map((process) => process.end()));
    },
  };
}

/** The same site, by another way to Temporal. */
async function withAddress(file: string, address: string): Promise<string> {
  const config: SiteInput = parse(await readFile(file, 'utf8'));
  const other = path.join(path.dirname(file), 'config-by-proxy.yaml');
  await writeFile(other, stringify({ ...config, temporal: { address } }));
  return other;
}

/** Slows the captures of a source down, or no longer. */
export function slowly(trial: Trial, source: SourceName, maxRate: string | undefined): Promise<void> {
  return trial.configure((config) => {
    const { limits: _limits, ...rest } = config.sources[source] ?? { type: 'files', paths: [] };
    return { ...config, sources: { ...config.sources, [source]: maxRate ? { ...rest, limits: { maxRate } } : rest } };
  });
}

/** Slow enough to be met in the middle. */
export const SLOW = { stack: '2500kB', db: '4MB', wiki: '6MB', cache: '1500kB' } as const satisfies Record<
  SourceName,
  string
>;

/** Waits until a capture has written some of its first artifact. */
export function underWay({ repository }: Trial, source: SourceName): Promise<string> {
  return until(`a capture of ${source} in its middle`, async () => {
    for await (const file of glob(`${repository}/.staging/${source}-*/*.zst.age`)) {
      if ((await stat(file)).size > 100_000) return path.dirname(file);
    }
    return undefined;
  });
}

/** 12 MiB that do not compress: zstd gives nothing before it has read 4. */
async function fillStack(folder: string): Promise<void> {
  await mkdir(path.join(folder, 'config', 'empty'), { recursive: true });
  for (const name of ['one.bin', 'two.bin', 'config/three.bin']) {
    const bytes = Buffer.concat(
      Array.from({ length: 64 }, () => Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)))),
    );
    await writeFile(path.join(folder, name), bytes);
  }
  await writeFile(path.join(folder, '.env'), 'DATABASE_URL=postgres://localhost\n', { mode: 0o600 });
  await symlink('one.bin', path.join(folder, 'link'));
}
