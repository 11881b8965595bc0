/** The `sources` of a config. */
import { z } from 'zod';
import { GROUPS, name } from '../source.ts';
import { duration, size } from '../units.ts';
import { secret } from './secret.ts';

const common = {
  group: z.enum(GROUPS).optional(),
  host: name.optional(),
  objectives: z.strictObject({ rpo: duration.optional(), rto: duration.optional() }).optional(),
  /** How hard a capture may press on production. */
  limits: z
    .strictObject({
      /** Bytes a second, read from the source. */
      maxRate: size.optional(),
      nice: z.int().min(0).max(19).optional(),
      ionice: z.enum(['idle', 'best-effort']).optional(),
    })
    .optional(),
  compression: z
    .strictObject({ level: z.int().min(1).max(19).optional(), threads: z.int().min(0).max(64).optional() })
    .optional(),
};

export const postgresSource = z.strictObject({
  type: z.literal('postgres'),
  ...common,
  connection: z.strictObject({
    /** A folder (Unix socket) or a host name. */
    host: z.string().min(1).default('/run/postgresql'),
    port: z.int().min(1).max(65535).default(5432),
    user: z.string().min(1).default('mosaic_backup'),
    password: secret.optional(),
    /** The database for queries about the server. */
    database: z.string().min(1).default('postgres'),
    sslmode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).optional(),
    sslrootcert: z.string().min(1).optional(),
  }),
  /** A second role that may read tables, for digests of rows. Without it rows are not compared, and that is said. */
  check: z.strictObject({ user: z.string().min(1).default('mosaic_check'), password: secret.optional() }).optional(),
  /** Folder with the programs of the server's major version; found by itself on Debian. */
  binaries: z.string().min(1).optional(),
});
export type PostgresSource = z.output<typeof postgresSource>;

export const filesSource = z.strictObject({
  type: z.literal('files'),
  ...common,
  paths: z.array(z.string().startsWith('/', 'a path starts at the root')).min(1),
  exclude: z.array(z.string().min(1)).default([]),
  /** Globs of files that may change while they are read without making the outcome partial. */
  volatile: z.array(z.string().min(1)).default([]),
  /** Incrementals after each full, before the next full. */
  incrementals: z.int().min(0).max(60).default(6),
});
export type FilesSource = z.output<typeof filesSource>;

export const sourceConfig = z.discriminatedUnion('type', [postgresSource, filesSource]);
export type SourceConfig = z.output<typeof sourceConfig>;
