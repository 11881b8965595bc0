/** The `sources` of a config. */
import { z } from 'zod';
import { GROUPS, name, TIERS } from '../source.ts';
import { duration, size } from '../units.ts';
import { canaryConfig } from './canary.ts';
import { containerConfig } from './container.ts';
import { absolutePath, port } from './fields.ts';
import { glob } from './glob.ts';
import { hooksConfig } from './hooks.ts';
import { inPlace } from './in-place.ts';
import { sourceRetention } from './retention.ts';
import { secret } from './secret.ts';

const common = {
  group: z
    .enum(GROUPS)
    .optional()
    .describe('phase and folder: databases for databases, system for system, else apps; configs where said'),
  host: z.string().optional().describe('the host that captures it; needed where the site has several'),
  after: z
    .array(name)
    .optional()
    .describe('sources whose captures must have ended before this one begins, in every run of both'),
  hooks: hooksConfig,
  objectives: z
    .strictObject({
      rpo: duration.optional().describe('how much data, in time, may be lost'),
      rto: duration.optional().describe('how long until service is back'),
    })
    .optional(),
  retention: sourceRetention,
  limits: z
    .strictObject({
      maxRate: size
        .refine((bytes) => bytes > 0, 'nothing would ever be read\nWrite a size above zero, as in 50MiB.')
        .optional()
        .describe('bytes a second, read from the source'),
      nice: z.int().min(0).max(19).optional(),
      ionice: z.enum(['idle', 'best-effort']).optional(),
    })
    .optional()
    .describe('how hard a capture may press on production'),
  compression: z
    .strictObject({
      level: z.int().min(1).max(19).optional().describe('of zstd'),
      threads: z.int().min(0).max(64).optional().describe('0: as many as there are cores'),
    })
    .optional(),
};

const logsFields = {
  enabled: z.boolean().default(true).describe('ship them; without them nothing between two backups can be restored'),
  deadline: duration
    .refine((milliseconds) => milliseconds > 0, 'nothing would ever be shipped\nWrite a time above zero, as in 4m.')
    .prefault('4m')
    .describe('how long one shipping, with its copies, may take; the next one goes on'),
};

const logs = z.strictObject(logsFields).prefault({}).describe('continuous logs: binlogs');

const walLogs = z
  .strictObject({
    ...logsFields,
    spool: absolutePath
      .optional()
      .describe(
        "a folder that the server's archive_command copies WAL into: it is shipped from there, and deleted once it is sealed; without it a replication slot is used",
      ),
  })
  .prefault({})
  .describe('continuous logs: WAL');

/** Weekly and monthly; a yearly is a monthly that is kept. */
const exportTiers = z
  .array(z.enum(TIERS))
  .default(['weekly', 'monthly', 'yearly'])
  .describe('backups of these tiers hold it; [] for none, on purpose');

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost']);

const exportRows = z
  .boolean()
  .default(true)
  .describe('digest every table beside it, so that a check can compare its rows; reads them once more, or twice');

const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;

export const postgresSource = z.strictObject({
  type: z.literal('postgres'),
  ...common,
  connection: z
    .strictObject({
      container: containerConfig
        .optional()
        .describe('the Docker container that the server runs in; host is then a folder or an address inside it'),
      host: z.string().min(1).default('/run/postgresql').describe('a folder (Unix socket) or a host name'),
      port: port.default(5432),
      user: z.string().min(1).default('mosaic_backup'),
      password: secret.optional(),
      database: z.string().min(1).default('postgres').describe('the database for queries about the server'),
      sslmode: z.enum(SSL_MODES).optional(),
      sslrootcert: absolutePath.optional(),
    })
    .refine(
      ({ container, host }) => container === undefined || host.startsWith('/') || LOOPBACK.has(host),
      'a server in a container is reached inside it\nSet host to the folder of its socket inside the container (/run/postgresql), or leave container out.',
    )
    .refine(
      ({ container, sslmode, sslrootcert }) =>
        container === undefined || (sslmode === undefined && sslrootcert === undefined),
      'a server in a container is reached inside it, where no network is to be encrypted\nLeave sslmode and sslrootcert out.',
    )
    .prefault({}),
  check: z
    .strictObject({ user: z.string().min(1).default('mosaic_check'), password: secret.optional() })
    .optional()
    .describe(
      'a second role that may read tables, for digests of rows; without it rows are not compared, and that is said',
    ),
  export: z
    .strictObject({
      user: z.string().min(1).default('mosaic_export'),
      password: secret.optional(),
      tiers: exportTiers,
      rows: exportRows,
    })
    .optional()
    .describe('a third role, for a logical export of each database, which can go back into a running server'),
  binaries: absolutePath
    .optional()
    .describe("folder with the programs of the server's major version; found by itself on Debian"),
  incrementals: z
    .int()
    .min(0)
    .max(60)
    .default(6)
    .describe('incrementals after each full, before the next full; from PostgreSQL 17 on, with summarize_wal = on'),
  logs: walLogs,
  canary: canaryConfig,
  inPlace: inPlace.optional(),
});
export type PostgresSource = z.output<typeof postgresSource>;

export const mariadbSource = z.strictObject({
  type: z.literal('mariadb'),
  ...common,
  connection: z
    .strictObject({
      socket: absolutePath.default('/run/mysqld/mysqld.sock').describe('used where no host is named'),
      host: z.string().min(1).optional().describe('a host name: over TCP'),
      port: port.default(3306),
      user: z.string().min(1).default('mosaic_backup'),
      password: secret.optional().describe('absent: the socket tells who one is (unix_socket)'),
      ca: absolutePath.optional().describe("the CA's certificate: the server must show one that it signed"),
    })
    .prefault({}),
  check: z
    .strictObject({ user: z.string().min(1).default('mosaic_check'), password: secret.optional() })
    .optional()
    .describe(
      'a second account that may read tables, for checksums; without it rows are not compared, and that is said',
    ),
  export: z
    .strictObject({
      user: z.string().min(1).default('mosaic_export'),
      password: secret.optional(),
      tiers: exportTiers,
      rows: exportRows,
    })
    .optional()
    .describe('a third account, for a logical export of each database, which can go back into a running server'),
  method: z
    .enum(['physical', 'logical'])
    .default('physical')
    .describe('physical: mariadb-backup, which must see the data folder; logical: mariadb-dump'),
  incrementals: z.int().min(0).max(60).default(6).describe('incrementals after each full, before the next full'),
  logs,
  canary: canaryConfig,
  inPlace: inPlace.optional(),
});
export type MariadbSource = z.output<typeof mariadbSource>;

export const redisSource = z.strictObject({
  type: z.literal('redis'),
  ...common,
  connection: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(6379),
      socket: absolutePath.optional().describe('a Unix socket, in place of host and port'),
      user: z.string().min(1).optional().describe('an ACL user; absent: the default user'),
      password: secret.optional(),
      ca: absolutePath.optional().describe("the CA's certificate: over TLS"),
    })
    .prefault({}),
  method: z
    .enum(['stream', 'save', 'aof'])
    .default('stream')
    .describe('stream: RDB over replication; save: BGSAVE, then the file; aof: the append-only files and their base'),
  folder: absolutePath
    .optional()
    .describe('the data folder as this host sees it, for save and aof; where absent the server is asked'),
  names: z
    .strictObject({
      dbfilename: z.string().min(1).default('dump.rdb'),
      appenddirname: z.string().min(1).default('appendonlydir'),
      appendfilename: z.string().min(1).default('appendonly.aof'),
    })
    .optional()
    .describe('what the server calls its files; where absent it is asked, which takes +config|get'),
  canary: canaryConfig,
  inPlace: inPlace.optional(),
});
export type RedisSource = z.output<typeof redisSource>;

export const filesSource = z.strictObject({
  type: z.literal('files'),
  ...common,
  paths: z.array(absolutePath).min(1, 'no path to back up\nList at least one.'),
  exclude: z.array(glob).default([]).describe('globs of files that are left out'),
  volatile: z
    .array(glob)
    .default([])
    .describe('globs of files that may change while they are read without making the outcome partial'),
  incrementals: z.int().min(0).max(60).default(6).describe('incrementals after each full, before the next full'),
});
export type FilesSource = z.output<typeof filesSource>;

export const sourceConfig = z.discriminatedUnion('type', [postgresSource, mariadbSource, redisSource, filesSource]);
export type SourceConfig = z.output<typeof sourceConfig>;
