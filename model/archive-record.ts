/** What is known of one archive in a vault, which has a number and no name: a small record at the destination that keeps its manifests. */
import { z } from 'zod';

export const ARCHIVE_SCHEMA = 'mosaic-backup/archive@1';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const archiveRecord = z.looseObject({
  schema: z.literal(ARCHIVE_SCHEMA),
  site: z.string(),
  /** The key that it would have at any other destination. */
  key: z.string(),
  vault: z.string(),
  archiveId: z.string().min(1),
  bytes: z.int().min(1),
  sha256: digest.describe('of all bytes, lowercase hex, as in the manifest'),
  treeHash: digest.describe("Glacier's own digest, which it computed over what it received"),
  uploaded: z.iso.datetime().describe('when the vault had confirmed it'),
});

/** What is known of one archive. */
export interface ArchiveFacts {
  readonly site: string;
  readonly key: string;
  readonly vault: string;
  readonly archiveId: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly treeHash: string;
  /** RFC 3339. */
  readonly uploaded: string;
}

/** What an archive's description in the vault says: enough to make its record again when that is lost. */
export const archiveDescription = z.looseObject({ site: z.string(), key: z.string(), sha256: digest });
export type ArchiveDescription = z.output<typeof archiveDescription>;
