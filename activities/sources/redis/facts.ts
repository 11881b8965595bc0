/** What a server says of itself: what findings, the inventory and the manifest are made of. */
import type { RedisSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import { configGet, info, type Asking } from './client.ts';
import { isDenied } from './errors.ts';

/** Those that a restore or a reader of the inventory wants to know. None holds a secret. */
export const SETTINGS = [
  'aclfile',
  'aof-timestamp-enabled',
  'aof-use-rdb-preamble',
  'appenddirname',
  'appendfilename',
  'appendfsync',
  'appendonly',
  'auto-aof-rewrite-percentage',
  'databases',
  'dbfilename',
  'dir',
  'maxmemory',
  'maxmemory-policy',
  'save',
] as const;
export type SettingName = (typeof SETTINGS)[number];
export type Settings = Readonly<Partial<Record<SettingName, string>>>;

export type Product = 'redis' | 'valkey';

export interface Database {
  readonly index: number;
  readonly keys: number;
  readonly expires: number;
}

export interface Facts {
  readonly product: Product;
  /** `7.0.15` */
  readonly version: string;
  /** New at every start of the server. */
  readonly runId: string;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly time: number;
  readonly role: string;
  /** Of a replica: whether it hears its master. */
  readonly linkUp: boolean;
  readonly cluster: boolean;
  readonly modules: readonly string[];
  readonly databases: readonly Database[];
  readonly libraries: number;
  readonly persistence: {
    readonly aof: boolean;
    readonly aofWriteOk: boolean;
    readonly aofRewriteOk: boolean;
    readonly rewriting: boolean;
    readonly rewrites: number;
    readonly saving: boolean;
    readonly saveOk: boolean;
    /** Saves that have begun since the start. */
    readonly saves: number;
    /** When the last save ended, in seconds since the epoch. */
    readonly lastSave: number;
    /** Keys that the save under way has done: shows that it goes on. */
    readonly savedKeys: number;
    /** Writes since the last save. A save that ends takes those away that it holds. */
    readonly changes: number;
    readonly loading: boolean;
  };
  /** Cumulative: keys that came to the end of their TTL, and those thrown out for want of memory. */
  readonly expired: number;
  readonly evicted: number;
  readonly replication: { readonly id: string; readonly offset: number };
  /** Bytes that the data take in memory. */
  readonly memory: number;
  readonly configFile: string;
  readonly platform: string;
  /** Undefined where the user may not ask. */
  readonly settings: Settings | undefined;
}

/** What a server calls its files, and whether that is known or Redis' default. */
export interface Names {
  readonly dbfilename: string;
  readonly appenddirname: string;
  readonly appendfilename: string;
  readonly known: boolean;
}

/** Asks a server for everything. */
export async function gatherFacts(asking: Asking): Promise<Facts> {
  return { ...factsOf(await info(asking)), settings: await settingsOf(asking) };
}

/** The part that INFO tells; quick, for looking again. */
export async function gatherInfo(asking: Asking): Promise<Omit<Facts, 'settings'>> {
  return factsOf(await info(asking));
}

/** INFO's answer as facts. Throws where it is none of a server that this source type knows. */
export function factsOf(answers: Readonly<Record<string, string>>): Omit<Facts, 'settings'> {
  const text = (name: string): string => answers[name] ?? '';
  const number = (name: string): number => Number(answers[name] ?? 0);
  const isValkey = answers['valkey_version'] !== undefined;
  const version = text(isValkey ? 'valkey_version' : 'redis_version');
  if (version === '') throw new BackupError('failed', 'What answers is no Redis server: INFO tells no version.');
  return {
    product: isValkey ? 'valkey' : 'redis',
    version,
    runId: text('run_id'),
    time: number('server_time_usec') / 1000 || Date.now(),
    role: text('role'),
    linkUp: answers['master_link_status'] === undefined || text('master_link_status') === 'up',
    cluster: text('cluster_enabled') === '1',
    modules: Object.keys(answers)
      .filter((name) => name.startsWith('module:'))
      .map((name) => name.slice('module:'.length)),
    databases: databasesOf(answers),
    libraries: number('number_of_libraries'),
    persistence: {
      aof: text('aof_enabled') === '1',
      aofWriteOk: text('aof_last_write_status') !== 'err',
      aofRewriteOk: text('aof_last_bgrewrite_status') !== 'err',
      rewriting: text('aof_rewrite_in_progress') === '1' || text('aof_rewrite_scheduled') === '1',
      rewrites: number('aof_rewrites'),
      saving: text('rdb_bgsave_in_progress') === '1',
      saveOk: text('rdb_last_bgsave_status') === 'ok',
      saves: number('rdb_saves'),
      lastSave: number('rdb_last_save_time'),
      savedKeys: number('current_save_keys_processed'),
      changes: number('rdb_changes_since_last_save'),
      loading: text('loading') === '1' || text('async_loading') === '1',
    },
    expired: number('expired_keys'),
    evicted: number('evicted_keys'),
    replication: { id: text('master_replid'), offset: number('master_repl_offset') },
    memory: number('used_memory'),
    configFile: text('config_file'),
    platform: text('os'),
  };
}

function databasesOf(answers: Readonly<Record<string, string>>): readonly Database[] {
  return Object.entries(answers).flatMap(([name, value]) => {
    const index = /^db(\d+)$/.exec(name)?.[1];
    const [, keys, expires] = /^keys=(\d+),expires=(\d+)/.exec(value) ?? [];
    if (index === undefined || keys === undefined || expires === undefined) return [];
    return [{ index: Number(index), keys: Number(keys), expires: Number(expires) }];
  });
}

async function settingsOf(asking: Asking): Promise<Settings | undefined> {
  try {
    return await configGet(asking, SETTINGS);
  } catch (error) {
    // Nothing that a backup needs depends on this right: see infra/roles/redis.acl.
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** The server itself knows best; then the config; then Redis' defaults, which may be wrong. */
export function namesOf(config: Pick<RedisSource, 'names'>, settings: Settings | undefined): Names {
  const { dbfilename, appenddirname, appendfilename } = { ...config.names, ...settings };
  return {
    dbfilename: dbfilename ?? 'dump.rdb',
    appenddirname: appenddirname ?? 'appendonlydir',
    appendfilename: appendfilename ?? 'appendonly.aof',
    known: settings !== undefined || config.names !== undefined,
  };
}

/** `7.0.15` → 7.0 as numbers that compare: [7, 0]. */
export function release(version: string): readonly [major: number, minor: number] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
}

/** Whether one version is at least another, by major and minor. */
export function isAtLeast(version: string, least: string): boolean {
  const [major, minor] = release(version);
  const [leastMajor, leastMinor] = release(least);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
