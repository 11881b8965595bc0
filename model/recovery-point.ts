/** Recovery points: the signed set of backups that one plan run produced, over all its sources. */
import { z } from 'zod';
import { signature } from './manifest.ts';
import { CONSISTENCIES } from './source.ts';
import type { BackupFacts } from './run.ts';
import { pinnedReference } from './reference.ts';

export const RECOVERY_POINT_SCHEMA = 'mosaic-backup/recovery-point@1';

export const OUTCOMES = ['complete', 'partial', 'failed'] as const;
/** How a run, or one source in it, ended. */
export type Outcome = (typeof OUTCOMES)[number];
/** A source may also have been left out on purpose: a hook of the site's own said so. */
export const SOURCE_OUTCOMES = [...OUTCOMES, 'skipped'] as const;
export type SourceOutcome = (typeof SOURCE_OUTCOMES)[number];

/** What it tells of a backup beside its reference, out of its manifest. */
export const backupFacts = z.object({
  consistency: z.enum(CONSISTENCIES),
  /** Where in its logs the backup is consistent, as its engine names it; null where there are none. */
  position: z.record(z.string(), z.unknown()).nullable(),
  /** Digest of the image of its container; null where it runs in none. */
  image: z.string().nullable(),
}) satisfies z.ZodType<BackupFacts>;

export const recoveryPoint = z.looseObject({
  schema: z.literal(RECOVERY_POINT_SCHEMA),
  /** The id of the run: `<plan>-<scheduled time>`. */
  id: z.string().min(1),
  site: z.string(),
  plan: z.string(),
  scheduled: z.iso.datetime({ offset: false }),
  created: z.iso.datetime({ offset: false }),
  outcome: z.enum(OUTCOMES),
  /** SHA-256 of the config file that the run was planned by. */
  config: z.string().optional(),
  sources: z.array(
    z.looseObject({
      source: z.string(),
      outcome: z.enum(SOURCE_OUTCOMES),
      /** The backup that stands for the source here; null when it has none at all. */
      backup: pinnedReference.nullable(),
      ...backupFacts.partial().shape,
      /** True when this run did not capture it and an older backup stands in. */
      stale: z.boolean(),
      /** Destinations that had confirmed their copy when the run ended. */
      copies: z.array(z.string()),
      error: z.string().nullable(),
    }),
  ),
  signature,
});
export type RecoveryPoint = z.infer<typeof recoveryPoint>;
