/** What a base backup's manifest says of its place in the WAL, and in its chain. */
import { z } from 'zod';

export const basePosition = z.looseObject({
  systemId: z.string(),
  timeline: z.number(),
  startLsn: z.string(),
  endLsn: z.string(),
  /** RFC 3339, the server's clock. */
  endedAt: z.string().optional(),
  /** SHA-256 of its backup_manifest, where an incremental may build on it. */
  backupManifest: z.string().optional(),
});
export type BasePosition = z.infer<typeof basePosition>;
