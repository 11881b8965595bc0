/** What a base backup's manifest says of its place in the WAL, and in its chain. */
import { z } from 'zod';
import { lsn } from '../base-backup.ts';

export const basePosition = z.looseObject({
  systemId: z.string(),
  timeline: z.number(),
  startLsn: lsn,
  endLsn: lsn,
  /** RFC 3339, the server's clock. */
  endedAt: z.iso.datetime().optional(),
  /** SHA-256 of its backup_manifest, where an incremental may build on it. */
  backupManifest: z.string().optional(),
});
export type BasePosition = z.infer<typeof basePosition>;
