/**
 * The record of a deletion, signed, at the place that it is of. It is written before the first object is deleted, so that
 * whoever comes after a kill knows what is half-deleted, and once more when all is gone.
 */
import { z } from 'zod';
import { signature } from './manifest.ts';
import { pinnedReference } from './reference.ts';
import { TIERS } from './source.ts';

export const PRUNE_SCHEMA = 'mosaic-backup/prune@1';

export const pruneRecord = z.looseObject({
  schema: z.literal(PRUNE_SCHEMA),
  site: z.string(),
  host: z.string(),
  source: z.string(),
  /** `repository`, or a destination. */
  place: z.string(),
  state: z.enum(['begun', 'ended']),
  /** When it was begun: `begun` and `ended` of one deletion bear the same. */
  time: z.iso.datetime({ offset: false }),
  backups: z.array(
    z.looseObject({
      backup: pinnedReference,
      folder: z.string().min(1),
      tier: z.enum(TIERS).nullable(),
      bytes: z.int().nonnegative(),
      /** Why it was to be deleted, in words. */
      reason: z.string(),
    }),
  ),
  /** Of `ended`: what was not deleted after all, and why. */
  left: z.array(z.looseObject({ reference: z.string(), why: z.string() })),
  signature,
});
export type PruneRecord = z.infer<typeof pruneRecord>;

export const unsignedPruneRecord = pruneRecord.omit({ signature: true });
export type UnsignedPruneRecord = z.infer<typeof unsignedPruneRecord>;
