/** JSON Schemas of all that is stored, out of the schemas that the program itself checks with. */
import { z } from 'zod';
import { ARCHIVE_SCHEMA, archiveRecord } from './archive-record.ts';
import { DRILL_SCHEMA } from './drill/drill.ts';
import { drillRecord } from './drill/record.ts';
import { evidence, EVIDENCE_SCHEMA } from './evidence.ts';
import { EXPORT_LIST_SCHEMA, exportEntry, exportListHeader } from './export.ts';
import { fileEntry, INVENTORY_SCHEMA, inventoryHeader, postgresEntry } from './inventory.ts';
import { manifest, MANIFEST_SCHEMA } from './manifest.ts';
import { mark, MARK_SCHEMA } from './mark.ts';
import { PRUNE_SCHEMA, pruneRecord } from './prune-record.ts';
import { recoveryPoint, RECOVERY_POINT_SCHEMA } from './recovery-point.ts';

const STORED = {
  manifest: { id: MANIFEST_SCHEMA, title: 'manifest.json: the commit point of a backup', schema: manifest },
  inventory: {
    id: INVENTORY_SCHEMA,
    title: 'One line of an inventory: its header, or an entry of the type that the header names',
    schema: z.union([inventoryHeader, postgresEntry, fileEntry]),
  },
  'export-list': {
    id: EXPORT_LIST_SCHEMA,
    title: 'One line of an export list: its header, or what an export holds',
    schema: z.union([exportListHeader, exportEntry]),
  },
  evidence: { id: EVIDENCE_SCHEMA, title: 'What a check found about one copy of one backup', schema: evidence },
  'recovery-point': {
    id: RECOVERY_POINT_SCHEMA,
    title: 'The backups that one run produced, over all its sources',
    schema: recoveryPoint,
  },
  mark: {
    id: MARK_SCHEMA,
    title: 'What somebody has said of one backup: a hold, its end, that its size is right',
    schema: mark,
  },
  archive: { id: ARCHIVE_SCHEMA, title: 'What is known of one archive in a vault', schema: archiveRecord },
  drill: { id: DRILL_SCHEMA, title: 'How a rehearsed disaster was recovered from', schema: drillRecord },
  prune: { id: PRUNE_SCHEMA, title: 'What was deleted at one place, and why', schema: pruneRecord },
} as const;

/** Names of the published schemas. */
export type StoredSchema = keyof typeof STORED;
export const STORED_SCHEMAS: readonly StoredSchema[] = [
  'manifest',
  'inventory',
  'export-list',
  'evidence',
  'recovery-point',
  'mark',
  'archive',
  'drill',
  'prune',
];

/** The JSON Schema (draft 2020-12) of one kind of stored record. Unknown fields are allowed everywhere: newer versions add some. */
export function storedSchema(name: StoredSchema): Readonly<Record<string, unknown>> {
  const { id, title, schema } = STORED[name];
  return { $id: `urn:${id.replace('/', ':').replace('@', ':')}`, title, ...z.toJSONSchema(schema) };
}
