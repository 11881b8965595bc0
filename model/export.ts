/**
 * Logical exports: beside its files, a backup may hold each database as the engine's own statements. They outlive the
 * version of the server, and one database or table of them goes back into a running server.
 */
import { z } from 'zod';
import type { Artifact, Manifest } from './manifest.ts';
import { rowsOfTable } from './inventory.ts';

/** Role of the artifacts that are exports, and of the one that lists what they hold. */
export const EXPORT_ROLE = 'export';
export const EXPORT_LIST_ROLE = 'export-list';

export const EXPORT_LIST_SCHEMA = 'mosaic-backup/export-list@1';

/** What an artifact of the role `export` is; it stands in the manifest, since a file name cannot bear any database's name. */
export const exported = z.looseObject({
  scope: z.enum(['database', 'roles', 'tablespaces']),
  /** Null for what belongs to the whole server. */
  database: z.string().min(1).nullable(),
  /** `pg_dump-custom` is for pg_restore; `sql` are statements. */
  format: z.enum(['pg_dump-custom', 'sql']),
  /** RFC 3339, by the server's clock: what it holds is as of then. */
  at: z.iso.datetime({ offset: false }),
  /** The same in the engine's own terms: an LSN or a GTID; null where there is none. */
  position: z.string().nullable(),
  /** How the database was made, for one like it: encoding, locale. Null where nothing is needed. */
  made: z.record(z.string(), z.string().nullable()).nullable(),
});
export type Exported = z.infer<typeof exported>;

export const exportListHeader = z.looseObject({
  schema: z.literal(EXPORT_LIST_SCHEMA),
  source: z.string(),
  type: z.string(),
});

/** A table in an export, and what must come along with it. */
export const exportedTable = z.object({
  schema: z.string(),
  name: z.string(),
  oid: z.string(),
  /** OID of the partitioned table that it is a part of; null for any other. */
  partitionOf: z.string().nullable(),
  /** What makes it: `<catalogue> <oid>` of lines of the table of contents. */
  parts: z.array(z.string()),
  /** Lines without an OID, by their text; `attach` only where the table that it is a part of comes along. */
  texts: z.array(z.string()),
  attach: z.array(z.string()),
  /** What belongs to it and is not restored with it alone: foreign keys, triggers, rules, grants. */
  left: z.array(z.string()),
});

/** One line of an export list, which is written from the very snapshot of its database's export. */
export const exportEntry = z.discriminatedUnion('entry', [
  /** A line of the archive's own table of contents, in its order. */
  z.looseObject({
    entry: z.literal('content'),
    database: z.string(),
    id: z.string(),
    /** OIDs of the catalogue and of the object in it; 0 where it has none. */
    catalog: z.string(),
    oid: z.string(),
    /** What it is, its schema, name and owner, as pg_restore --list prints them. */
    text: z.string(),
  }),
  z.looseObject({
    entry: z.literal('table'),
    database: z.string(),
    ...exportedTable.shape,
  }),
  /** Anything whose presence can be compared: `table`, `index`, `constraint`, `function`, … */
  z.looseObject({ entry: z.literal('object'), database: z.string(), kind: z.string(), name: z.string() }),
  z.looseObject({
    entry: z.literal('rows'),
    ...rowsOfTable.shape,
  }),
  /** A table whose rows were not digested, and why. */
  z.looseObject({
    entry: z.literal('unread'),
    database: z.string(),
    schema: z.string(),
    name: z.string(),
    why: z.string(),
  }),
]);
export type ExportEntry = z.infer<typeof exportEntry>;
export type ExportedTable = Extract<ExportEntry, { readonly entry: 'table' }>;

/** An artifact that is an export, with what it is. */
export interface ExportArtifact extends Artifact {
  readonly export: Exported;
}

export function exportsOf({ artifacts }: Pick<Manifest, 'artifacts'>): readonly ExportArtifact[] {
  return artifacts.flatMap((artifact) => (artifact.export ? [{ ...artifact, export: artifact.export }] : []));
}

/** The artifacts that a restore of the files reads: exports stay where they are. */
export function withoutExports({ artifacts }: Pick<Manifest, 'artifacts'>): {
  readonly artifacts: readonly Artifact[];
} {
  return { artifacts: artifacts.filter(({ role }) => role !== EXPORT_ROLE && role !== EXPORT_LIST_ROLE) };
}
